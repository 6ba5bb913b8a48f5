/**
 * runchart as a library: containers without a daemon and without a command line.
 *
 * ```ts
 * const runtime = openRuntime({ root: '/run/my-program' });
 * const container = await runtime.create({ id: 'one', bundle: '/containers/one' });
 * await container.start();
 * const { status } = await container.wait();
 * await container.delete();
 * ```
 *
 * What it makes is what the command makes: `runchart --root /run/my-program list` shows these containers.
 * It needs the rights that the container asks for: root, or a config with user namespaces.
 */

import { DevicePrograms } from '../effects/cgroups/devices/programs.ts';
import { runsInUserNamespace } from '../effects/namespaces/user/read-mappings.ts';
import { hostPlatform } from '../native/host-platform.ts';
import { withStandingStage } from '../native/stage/standing.ts';
import { Children } from '../runtime/container/children.ts';
import type { LifecycleChange, Container as OpenContainer } from '../runtime/container/container.ts';
import { type Context, PATIENCE, type SharedContext } from '../runtime/container/context.ts';
import { observe } from '../runtime/container/observe.ts';
import { defaultRoot } from '../runtime/host/host.ts';
import { createContainer } from '../runtime/operations/create.ts';
import { lookAtAll } from '../runtime/store/look.ts';
import { checkContainerId } from '../spec/id.ts';
import { checkConfig } from '../spec/validate.ts';
import { RunchartContainer } from './container.ts';
import { type ContainerState, stateOf } from './state.ts';

export { type ContainerMachine, containerMachine } from '../machines/container.ts';
export type { ContainerEffects } from '../machines/contract.ts';
export type { LifecycleEvent } from '../machines/events.ts';
export type { LifecycleChange } from '../runtime/container/container.ts';
export { defaultConfig, rootlessConfig } from '../spec/default.ts';
export type { ContainerRecord } from '../spec/record.ts';
export type { Config, Status } from '../spec/types.ts';
export type { RunchartContainer } from './container.ts';
export type { ExecOptions, ExecProcess } from './exec.ts';
export type { Exit } from './exit.ts';
export type { ContainerState } from './state.ts';

export interface RuntimeOptions {
  /** The state root, absolute; by default the command's, /run/runchart. */
  readonly root?: string;
  /** Let systemd make the cgroups. */
  readonly systemdCgroup?: boolean;
  /** Hears of what went wrong without changing anything, in one line. Nobody by default. */
  readonly onWarning?: (message: string) => void;
  /** XState's inspection of every lifecycle machine that works for this runtime. */
  readonly inspect?: Context['inspect'];
}

export interface CreateOptions {
  readonly id: string;
  /** Absolute path of the bundle: what relative paths of the config start from. */
  readonly bundle: string;
  /** Instead of the bundle's config.json. Validated like it. */
  readonly config?: unknown;
  /** Descriptors of this process for the container's standard input, output and error; its own by default. */
  readonly stdio?: readonly [stdin: number, stdout: number, stderr: number];
  readonly noPivot?: boolean;
  readonly noNewKeyring?: boolean;
}

export interface Runtime {
  /** Creates a container and leaves it waiting for `start`. Where it fails, nothing is left. @throws Error of one line */
  create(options: CreateOptions): Promise<RunchartContainer>;
  /** A container that may be there; nothing is looked at before it is asked for something. */
  container(id: string): RunchartContainer;
  /** Hears of every state that requests of this runtime lead a container through, creation included. @returns ends the subscription */
  subscribe(listener: (change: LifecycleChange) => void): () => void;
  /** Every container below the root, sorted by id; those whose state cannot be read are left out, with a warning. */
  list(): Promise<readonly ContainerState[]>;
  /**
   * Ends the process that stands by for the next creation, and lets go of what else is kept for it; all of it would end
   * with this process. Containers live on, and a runtime that is used again makes it anew.
   */
  close(): void;
}

export function openRuntime(options: RuntimeOptions = {}): Runtime {
  const host = {
    cwd: process.cwd(),
    env: process.env,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    pid: process.pid,
  };
  const listeners = new Set<(change: LifecycleChange) => void>();
  const subscribe: Runtime['subscribe'] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const platform = withStandingStage(hostPlatform());
  const devicePrograms = new DevicePrograms(platform.local);
  const shared = { devicePrograms, children: new Children(platform) };
  const context: SharedContext = {
    platform,
    host,
    root: options.root ?? defaultRoot(host, runsInUserNamespace(platform.local)),
    systemdCgroup: options.systemdCgroup ?? false,
    patience: PATIENCE,
    shared,
    now: () => new Date().toISOString(),
    onChange(change) {
      for (const listener of listeners) listener(change);
    },
    warn: options.onWarning ?? (() => undefined),
    ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
  };
  return {
    subscribe,
    async create({ id, bundle, config, stdio = [0, 1, 2], noPivot = false, noNewKeyring = false }) {
      const handle = new RunchartContainer(context, subscribe, id);
      const created: OpenContainer = await createContainer(context, {
        id,
        bundle,
        noPivot,
        noNewKeyring,
        inheritance: { stdio, preserveFds: 0 },
        ...(config === undefined ? {} : { config: await checkConfig(config) }),
      });
      handle.adopt(created);
      return handle;
    },
    container(id) {
      checkContainerId(id);
      return new RunchartContainer(context, subscribe, id);
    },
    async list() {
      const { platform, root, warn } = context;
      const all = await lookAtAll({ kernel: platform.local, root, observe: (record) => observe(platform, record) });
      return all.flatMap(({ view, problem }) => {
        if (view !== undefined) return [stateOf(view.record, view.status)];
        warn(problem instanceof Error ? problem.message : String(problem));
        return [];
      });
    },
    close() {
      platform.standing.retire();
      devicePrograms.close();
    },
  };
}
