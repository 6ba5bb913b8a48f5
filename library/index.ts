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
 * The command sees these containers too: `runchart --root /run/my-program list` lists them.
 * The program needs the rights that a container asks for: it is root, or the config has user namespaces.
 */

import { observe } from '../runtime/container/observe.ts';
import { createContainer } from '../runtime/operations/create.ts';
import { lookAtAll } from '../runtime/store/look.ts';
import type { Config } from '../spec/types.ts';
import { checkConfig } from '../spec/validate.ts';
import { RunchartContainer } from './container.ts';
import { contextOf, type LibraryContext, type RuntimeOptions } from './context.ts';
import type { Listener, Unsubscribe } from './hub.ts';
import { containerId } from './id.ts';
import { type ContainerState, containerStateOf } from './state.ts';
import { telling, tellingAtOnce } from './telling.ts';

export { type ContainerMachine, containerMachine } from '../machines/container.ts';
export type { ContainerEffects } from '../machines/contract.ts';
export type { LifecycleEvent } from '../machines/events.ts';
export { defaultConfig, rootlessConfig } from '../spec/default.ts';
export type { ContainerRecord } from '../spec/record.ts';
export type { Config, Status } from '../spec/types.ts';
export type { RunchartContainer as Container } from './container.ts';
export type { RuntimeOptions } from './context.ts';
export {
  ConfigError,
  ContainerBusyError,
  ContainerDamagedError,
  ContainerExistsError,
  ContainerNotFoundError,
  type ErrorCode,
  InvalidArgumentError,
  OperationError,
  RunchartError,
  WrongStateError,
} from './errors.ts';
export type { ContainerEvent } from './events.ts';
export type { ExecOptions, ExecProcess } from './exec.ts';
export type { Exit } from './exit.ts';
export type { Unsubscribe } from './hub.ts';
export { type ContainerId, containerId } from './id.ts';
export type { Signal, SignalName } from './signals.ts';
export type { ContainerState } from './state.ts';

export interface CreateOptions {
  readonly id: string;
  /** Absolute path of the bundle. Relative paths in the config start from there. */
  readonly bundle: string;
  /** Used instead of the bundle's config.json, and validated like it. */
  readonly config?: Config;
  /** Descriptors of this process for the container's standard input, output and error. By default 0, 1 and 2. */
  readonly stdio?: readonly [stdin: number, stdout: number, stderr: number];
  readonly noPivot?: boolean;
  readonly noNewKeyring?: boolean;
}

export interface Runtime {
  /** Creates a container, which then waits for `start`. @throws Error of one line. Nothing is left then */
  create(options: CreateOptions): Promise<RunchartContainer>;
  /** A container that may be there. This looks at nothing: the first request to the container does. */
  container(id: string): RunchartContainer;
  /**
   * Hears of every state that a container comes to, as far as this runtime knows: by its requests, and by the end of the
   * containers that it has made.
   * @returns what ends the subscription
   */
  subscribe(listener: Listener): Unsubscribe;
  /** Every container below the root, sorted by id. One whose state cannot be read is left out, with a warning. */
  list(): Promise<readonly ContainerState[]>;
  /**
   * Ends the process that stands by for the next creation, and closes whatever else is kept for it. All of that also
   * ends with this process. Containers live on. A runtime may be used again: it makes these things anew.
   */
  close(): void;
}

export function openRuntime(options: RuntimeOptions = {}): Runtime {
  const context = contextOf(options);
  return {
    subscribe: (listener) => context.hub.subscribe(listener),
    create: (request) => telling({ id: request.id }, () => create(context, request)),
    container: (id) => tellingAtOnce({}, () => new RunchartContainer(context, containerId(id))),
    list: () => telling({}, () => list(context)),
    close() {
      context.platform.standing.retire();
      context.devicePrograms.close();
    },
  };
}

async function create(
  context: LibraryContext,
  { id: text, bundle, config, stdio = [0, 1, 2], noPivot = false, noNewKeyring = false }: CreateOptions,
): Promise<RunchartContainer> {
  const id = containerId(text);
  const handle = new RunchartContainer(context, id);
  const created = await createContainer(context, {
    id,
    bundle,
    noPivot,
    noNewKeyring,
    inheritance: { stdio, preserveFds: 0 },
    ...(config === undefined ? {} : { config: await checkConfig(config) }),
  });
  handle.adopt(created);
  return handle;
}

async function list({ platform, root, warn }: LibraryContext): Promise<readonly ContainerState[]> {
  const all = await lookAtAll({ kernel: platform.local, root, observe: (record) => observe(platform, record) });
  return all.flatMap(({ view, problem }) => {
    if (view !== undefined) return [containerStateOf(view.record, view.status)];
    warn(problem instanceof Error ? problem.message : String(problem));
    return [];
  });
}
