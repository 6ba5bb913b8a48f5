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
import { featuresOf } from '../runtime/operations/features.ts';
import { lookAtAll } from '../runtime/store/look.ts';
import type { Config, Features } from '../spec/types.ts';
import { RunchartContainer } from './container.ts';
import { contextOf, type LibraryContext, type RuntimeOptions } from './context.ts';
import { type CreateOptions, create } from './create.ts';
import { factsFor, specFor } from './host.ts';
import type { Listener, Unsubscribe } from './hub.ts';
import { containerId } from './id.ts';
import type { ContainerProcess } from './process.ts';
import { type RestoreOptions, restore } from './restore.ts';
import { type RunOptions, run } from './run.ts';
import { type ContainerState, containerStateOf } from './state.ts';
import { telling, tellingAtOnce } from './telling.ts';
import { VERSION } from './version.ts';

export type { ContainerStats } from '../effects/cgroups/stats/types.ts';
export type { BindMount, ConfigOptions, HostFacts, MountOption, TmpfsMount } from '../spec/builder/options.ts';
export { defaultConfig, rootlessConfig } from '../spec/default.ts';
export type { Config, Features, LinuxResources, Status } from '../spec/types.ts';
export type { WaitOptions } from './abort.ts';
export type { CheckpointOptions } from './checkpoint.ts';
export type { BundleSource, ContainerSource, RootfsSource } from './config-of.ts';
export type { RunchartContainer as Container, UpdateSchemas } from './container.ts';
export type { RuntimeOptions } from './context.ts';
export type { CreateOptions, MakingOptions } from './create.ts';
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
export type { ExecOptions } from './exec.ts';
export type { Exit } from './exit.ts';
export { containerConfig, hostFacts } from './host.ts';
export type { Unsubscribe } from './hub.ts';
export { type ContainerId, containerId } from './id.ts';
export {
  type ContainerEffects,
  type ContainerMachine,
  type ContainerRecord,
  containerMachine,
  type Emitted,
  type Facts,
  type LifecycleContext,
  type LifecycleEvent,
  type LifecycleInput,
  newRecord,
  type Observation,
  pretendEffects,
  type Request,
} from './machine.ts';
export type { EventsOptions, UsageEvent } from './measure.ts';
export type { ContainerProcess, ProcessOptions } from './process.ts';
export type { RestoreOptions } from './restore.ts';
export type { ProcessResult } from './result.ts';
export type { RunOptions } from './run.ts';
export type { Signal, SignalName } from './signals.ts';
export type { ContainerState } from './state.ts';
export type { GivenOptions, HandoverOptions } from './streams/given.ts';
export type { ErrorOutput, Input, Output } from './streams/places.ts';
export type { StandardOptions } from './streams/standard.ts';
export type { TerminalSize, TerminalStream } from './streams/terminal.ts';

export interface Runtime extends AsyncDisposable {
  /** Creates a container, which then waits for `start`. @throws Error of one line. Nothing is left then */
  create(options: CreateOptions): Promise<RunchartContainer>;
  /**
   * Makes a container, runs its program to the end, and deletes the container. It is there at once, to be read from and
   * written to, and awaitable for its result: `const { status, stdout } = await runtime.run({ rootfs, args: ['ls'] })`.
   */
  run(options: RunOptions): ContainerProcess;
  /**
   * Brings a checkpointed container back: it is made from its bundle, and its processes go on from the images.
   * @throws RunchartError. Nothing is left then
   */
  restore(options: RestoreOptions): Promise<RunchartContainer>;
  /** A container that may be there. This looks at nothing: the first request to the container does. */
  container(id: string): RunchartContainer;
  /**
   * Hears of every state that a container comes to, as far as this runtime knows: by its requests, and by the end of
   * the containers that it has made.
   * @returns what ends the subscription
   */
  subscribe(listener: Listener): Unsubscribe;
  /** Every container below the root, sorted by id. One whose state cannot be read is left out, with a warning. */
  list(): Promise<readonly ContainerState[]>;
  /** What this runtime can do on this kernel: the features document of the OCI runtime specification. */
  features(): Features;
  /**
   * The config that `runchart spec` writes, as it fits this host: its cgroups, and whether this program is root.
   * @param options `rootless` decides that instead
   */
  spec(options?: { readonly rootless?: boolean }): Config;
  /**
   * Lets go of everything that would keep this program from ending. What `run` has made is ended; containers and their
   * other processes live on. What still waits for something is rejected with an AbortError, and streams are closed. A
   * runtime may be used again: it makes what it needs anew.
   */
  close(): void;
}

export function openRuntime(options: RuntimeOptions = {}): Runtime {
  const context = contextOf(options);
  const close = (): void => {
    context.platform.standing.retire();
    context.devicePrograms.close();
    context.closing.close();
    context.streams.close();
  };
  return {
    subscribe: (listener) => context.hub.subscribe(listener),
    create: (request) => telling({ id: request.id, signal: request.signal }, () => create(context, request)),
    run: (request) => run(context, request),
    restore: (request) => telling({ id: request.id, signal: request.signal }, () => restore(context, request)),
    features: () => tellingAtOnce({}, () => featuresOf(context.platform, VERSION)),
    spec: ({ rootless } = {}) => tellingAtOnce({}, () => specFor(factsFor(context.platform.local, rootless))),
    container: (id) => tellingAtOnce({}, () => new RunchartContainer(context, containerId(id))),
    list: () => telling({}, () => list(context)),
    close,
    async [Symbol.asyncDispose]() {
      close();
    },
  };
}

async function list({ platform, root, warn }: LibraryContext): Promise<readonly ContainerState[]> {
  const all = await lookAtAll({ kernel: platform.local, root, observe: (record) => observe(platform, record) });
  return all.flatMap(({ view, problem }) => {
    if (view !== undefined) return [containerStateOf(view.record, view.status)];
    warn(problem instanceof Error ? problem.message : String(problem));
    return [];
  });
}
