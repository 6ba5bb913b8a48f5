/**
 * Linux in memory: a model of the kernel, as far as effects use it. With it, tests run effects without root, let each
 * call fail once, and count what is left behind.
 *
 * A `World` is one machine. `World.perform` takes a process and a call, finds the call's handler by its name, and
 * answers with a result as the kernel would. A call that the model does not have answers ENOSYS, and is noted in
 * `unmodelled`. The world is deterministic: time passes only by calls, and programs run only while somebody waits for
 * them.
 *
 * What the world consists of:
 * - `processes.ts`: processes and namespaces. `descriptors.ts`: open files, and the tables of descriptors.
 * - `nodes.ts`: file systems as trees of nodes. `mounts.ts`: trees of mounts. `walk.ts`: how a path is resolved in
 *   both.
 * - `proc.ts`, `cgroups.ts`, `terminals.ts`: the file systems whose files do something.
 * - `host.ts`: what there is before anything happens.
 *
 * The calls, each file a table of handlers by name: `files.ts`, `names.ts`, `mount-calls.ts`, `process-calls.ts`,
 * `scheduling.ts`, `sockets.ts`, `terminals.ts`, `devices.ts`. `args.ts` reads a call's arguments, and `failure.ts` is
 * how a handler fails.
 *
 * How tests use it:
 * - `platform.ts` is the world as a command acts in it: a `Platform`, like the real one.
 * - `faults.ts` makes the nth call fail, or the command die there. It works with the real kernel, too.
 * - `inventory.ts` lists what somebody has to give back.
 * - `both.ts` compares the model with the real kernel. The tests in this folder make the same calls in both, and expect
 *   the same results: so the model is right where they look.
 */

import { ERRNO } from '../../native/constants/errno.ts';
import { O, S } from '../../native/constants/files.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import {
  type Arg,
  type Call,
  type Kernel,
  LostPeerError,
  type Memory,
  type Outcome,
} from '../../native/kernel/kernel.ts';
import { earlierResult } from '../../native/performers/arena.ts';
import type { SeenArg } from '../../native/performers/recording.ts';
import { Args } from './args.ts';
import { type CgroupLayout, Cgroups } from './cgroups.ts';
import { OpenFile } from './descriptors.ts';
import { deviceCalls } from './devices.ts';
import { Failure, WouldWaitForever } from './failure.ts';
import { fileCalls } from './files.ts';
import { furnishHost } from './host.ts';
import { mountCalls } from './mount-calls.ts';
import { Mount, type Path } from './mounts.ts';
import { nameCalls } from './names.ts';
import { FileSystem, type Node } from './nodes.ts';
import { processCalls } from './process-calls.ts';
import { end, fork, type Kind, kindNames, Namespace, Process } from './processes.ts';
import { schedulingCalls } from './scheduling.ts';
import { socketCalls, type UnixSocket } from './sockets.ts';
import { terminalCalls } from './terminals.ts';

/** Performs a call. @returns its result; undefined means 0. @throws Failure */
export type Handler = (p: Process, a: Args) => number | undefined;
export type Calls = Readonly<Partial<Record<string, Handler>>>;

const CALLS: Calls = {
  ...fileCalls,
  ...nameCalls,
  ...mountCalls,
  ...processCalls,
  ...schedulingCalls,
  ...socketCalls,
  ...terminalCalls,
  ...deviceCalls,
};

/** What a program does when it is executed. @returns its exit status; undefined where it runs until it is killed */
type Behaviour = (kernel: Kernel, process: Process) => number | undefined;

export class World {
  readonly processes: Process[] = [];
  readonly pidNamespace: Namespace;
  readonly hostInit: Process;
  readonly cgroups: Cgroups;
  /** The mount of files without a name: memory files, namespaces. */
  readonly anonymous: Mount;
  readonly abstractSockets = new Map<string, UnixSocket>();
  readonly terminals = new Map<UnixSocket, Node>();
  /** The names of calls that were made, and that the model does not have. */
  readonly unmodelled = new Set<string>();
  /** The programs, by their paths in their file systems. */
  readonly programs = new Map<string, Behaviour>();
  #number = 0;
  #ticks = 0;
  readonly #namespacePlaces = new Map<Namespace, Path>();
  readonly #pending: { readonly process: Process; readonly behaviour: Behaviour }[] = [];

  constructor(layout: CgroupLayout = 'v2') {
    const namespaces = Object.fromEntries(
      kindNames.map((kind) => [kind, new Namespace(kind, this.number())]),
    ) as Record<Kind, Namespace>;
    this.pidNamespace = namespaces.pid;
    this.anonymous = this.#mount(new FileSystem('tmpfs', 0, this.number()));
    const root = this.#mount(new FileSystem('ext4', 0xef53, this.number()));
    root.tree = { root };
    namespaces.mnt.tree = root.tree;
    this.cgroups = new Cgroups(this, layout);
    this.hostInit = new Process(this, undefined, namespaces, { mount: root, node: root.root });
    this.hostInit.name = 'host';
    for (const hierarchy of this.cgroups.hierarchies) {
      this.hostInit.cgroups.set(hierarchy, hierarchy.fs.root);
      namespaces.cgroup.cgroupRoots.set(hierarchy, hierarchy.fs.root);
    }
    furnishHost(this);
  }

  #mount(fs: FileSystem): Mount {
    return new Mount(this.number(), fs, fs.root, 'none');
  }

  /** A new number, which nothing else has: for a mount, a device, a namespace. */
  readonly number = (): number => ++this.#number;

  tick(): number {
    return ++this.#ticks;
  }

  /** A process of the host, for a command to run in. Its descriptors 0 to 2 are /dev/null. */
  startProcess(name: string): Process {
    const process = fork(this.hostInit, 0);
    process.name = name;
    const devNull = new OpenFile(O.RDWR, { path: this.anonymousFile(S.IFCHR) });
    for (const fd of [0, 1, 2]) process.descriptors.place(fd, devNull, false);
    return process;
  }

  anonymousFile(type: number): Path {
    return { mount: this.anonymous, node: this.anonymous.root.add(`anonymous:${this.number()}`, type, 0o600) };
  }

  /**
   * Does what posix_spawn(3) of native/init does: the child gets these descriptors of its parent, from 0 on, and serves
   * on the last one.
   */
  spawn(parent: Process, descriptors: readonly number[], name: string): Process {
    const files = descriptors.map((fd) => parent.descriptors.get(fd));
    const child = fork(parent, 0);
    child.name = name;
    child.descriptors.closeAll();
    for (const [fd, file] of files.entries()) child.descriptors.place(fd, file, false);
    child.serving = { socket: files.length - 1, next: undefined };
    return child;
  }

  /** The kernel as a process reaches it. @param find tells which process that is, at each batch */
  kernel(performer: string, find: () => Process): Kernel {
    return { performer, submit: (calls) => this.#submit(performer, find(), calls) };
  }

  #submit(performer: string, process: Process, calls: readonly Call[]): Outcome {
    for (const bytes of outBytes(calls.flatMap(({ args }) => args))) bytes.fill(0);
    const served = process.serving;
    const results: number[] = [];
    for (const [index, call] of calls.entries()) {
      if ((call.serve || call.childServes !== undefined) && served === undefined)
        throw new TypeError(`${call.name}: only an init can do this`);
      if (call.serve) {
        this.#waitForNext(process, call);
        return { results, stoppedAt: undefined };
      }
      const result = this.perform(process, call, results);
      results.push(result);
      this.settle();
      if (served !== undefined && process.serving !== served) throw new LostPeerError(performer);
      if (result < 0 && !call.mayFail) return { results, stoppedAt: index };
    }
    return { results, stoppedAt: undefined };
  }

  /** Performs one call. @returns its result; `-errno` where it failed */
  perform(process: Process, call: Call, results: readonly number[] = []): number {
    if (process.state !== 'alive') throw new LostPeerError(process.name);
    const handler = CALLS[call.name];
    if (handler === undefined) {
      this.unmodelled.add(call.name);
      return -ERRNO.ENOSYS;
    }
    const args = call.args.map((arg): SeenArg => {
      if (typeof arg !== 'object' || arg === null || arg instanceof Uint8Array || arg.kind !== 'result') return arg;
      return earlierResult(results, arg.index);
    });
    try {
      return handler(process, new Args(args, call.childServes)) ?? 0;
    } catch (error) {
      if (error instanceof Failure) return -error.errno;
      throw error;
    }
  }

  #waitForNext(process: Process, call: Call): void {
    const { serving } = process;
    if (serving === undefined) return;
    serving.next = () => {
      try {
        return this.perform(process, call);
      } catch (error) {
        if (error instanceof WouldWaitForever) return undefined;
        throw error;
      }
    };
    if (serving.socket !== undefined) process.descriptors.close(serving.socket);
    serving.socket = undefined;
    this.settle();
  }

  /** Does what happens without a call: inits whose connection is closed end, or accept the next one. */
  settle(): void {
    for (let changed = true; changed; ) changed = this.processes.some((process) => this.#serve(process));
  }

  #serve(process: Process): boolean {
    const { serving } = process;
    if (serving === undefined) return false;
    if (serving.socket === undefined) {
      const next = serving.next?.();
      if (next === undefined) return false;
      if (next < 0) end(process, { code: 'exited', status: 0 });
      serving.socket = next;
      return true;
    }
    const { socket } = process.descriptors.find(serving.socket) ?? {};
    if (socket !== undefined && !socket.atEnd) return false;
    if (serving.next === undefined) end(process, { code: 'exited', status: 0 });
    else if (socket !== undefined) process.descriptors.close(serving.socket);
    serving.socket = undefined;
    return true;
  }

  /** A program takes the place of a process. It runs when somebody waits. */
  execute(process: Process, path: string): void {
    const behaviour = this.programs.get(path);
    if (behaviour !== undefined) this.#pending.push({ process, behaviour });
  }

  /** Lets the next program run. @returns false where none has anything to do */
  advance(): boolean {
    const next = this.#pending.shift();
    if (next === undefined) return false;
    const { process, behaviour } = next;
    if (process.state !== 'alive') return true;
    const status = behaviour(
      this.kernel(process.name, () => process),
      process,
    );
    if (status !== undefined) end(process, { code: 'exited', status });
    this.settle();
    return true;
  }

  /** Ends a process as `kill -9` does: this is how a command crashes. */
  kill(process: Process): void {
    end(process, { code: 'killed', status: SIGNALS.SIGKILL });
    this.settle();
  }

  namespacePath(namespace: Namespace): Path {
    const known = this.#namespacePlaces.get(namespace) ?? this.anonymousFile(S.IFREG);
    known.node.special = { namespace };
    this.#namespacePlaces.set(namespace, known);
    return known;
  }

  /** Whether a living process has its directory, its root or an open file in a mount. */
  isInUse(mount: Mount): boolean {
    return this.processes.some(
      ({ state, cwd, root, descriptors }) =>
        state === 'alive' &&
        (cwd.mount === mount ||
          root.mount === mount ||
          descriptors.numbers().some((fd) => descriptors.get(fd).path?.mount === mount)),
    );
  }
}

/** The memory that the kernel may write to, with all that pointers lead to. */
function outBytes(args: readonly (Arg | Memory)[]): readonly Uint8Array[] {
  return args.flatMap((arg) => {
    if (typeof arg !== 'object' || arg === null || arg instanceof Uint8Array) return [];
    if (arg.kind === 'out') return [arg.bytes];
    return arg.kind === 'struct' ? outBytes(arg.pointers.map(({ target }) => target)) : [];
  });
}
