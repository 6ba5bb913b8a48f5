/**
 * What a container's process is to get from the command that creates it. It is opened and checked before anything is
 * made.
 */

import { doing, EffectError } from '../../effects/error.ts';
import { mayBeShared } from '../../effects/foreground/ends.ts';
import type { PipeEnds } from '../../effects/foreground/relay.ts';
import { connectSocket } from '../../effects/handover/sockets.ts';
import type { Inheritance } from '../../effects/session.ts';
import { pipe, socketPair } from '../../native/calls/pair.ts';
import { nameOfOpenFile } from '../../native/calls/read-link.ts';
import { O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { Config } from '../../spec/types.ts';
import type { Context } from '../container/context.ts';

export interface InheritanceOptions {
  /** `process.terminal` of the config. */
  readonly terminal: boolean;
  /** For `create` and `run --detach`: no process of ours stays to copy. */
  readonly detach: boolean;
  /** Path of `--console-socket`, absolute. */
  readonly consoleSocket?: string | undefined;
  /** Path of `--pidfd-socket`, absolute. */
  readonly pidfdSocket?: string | undefined;
  /** `--preserve-fds`. */
  readonly preserveFds?: number | undefined;
}

/**
 * This process's ends of what a foreground container has for its standard descriptors. An end is undefined where the
 * container has the caller's own descriptor.
 */
export interface ForegroundEnds extends PipeEnds {
  /** The socket that the terminal's master comes over. */
  readonly console?: Owned;
}

export interface Inherited {
  /** For `createContainer`. */
  readonly inheritance: Inheritance;
  /** For the container's process: LISTEN_FDS and LISTEN_PID where sockets are passed on. */
  readonly environment: readonly string[];
  /** For the caller to dispose of. */
  readonly ends: ForegroundEnds;
  /** Closes what the container's init has by now, or never will have. To be called when `createContainer` is done. */
  close(): void;
}

/** @throws EffectError; nothing is open then that was not before */
export function inherit(context: Pick<Context, 'platform' | 'host'>, options: InheritanceOptions): Inherited {
  const { host } = context;
  const { local } = context.platform;
  checkTerminal(options);
  const listenFds = listenFdsOf(host);
  const asked = options.preserveFds ?? 0;
  for (let i = 0; i < listenFds; i++) requireOpen(context, 3 + i, `LISTEN_FDS is ${listenFds}`);
  for (let i = 0; i < asked; i++)
    requireOpen(context, 3 + listenFds + i, `unable to stat preserved-fd ${i} (of ${asked})`);

  using theirs = new DisposableStack();
  using ours = new DisposableStack();
  const both: BothSides = {
    theirs: (fd) => theirs.use(new Owned(local, fd)).fd,
    ours: (fd) => ours.use(new Owned(local, fd)),
  };
  const standard =
    options.detach || options.terminal ? { stdio: STANDARD, pipes: [], ends: {} } : stdioPipes(local, host.pid, both);
  const console = consoleFor(local, options, both);
  const pidfdSocket =
    options.pidfdSocket === undefined
      ? undefined
      : both.theirs(connectSocket(local, 'the pidfd socket', options.pidfdSocket));
  const { stdio, pipes, ends } = standard;
  ours.move();
  const kept = theirs.move();
  return {
    inheritance: {
      stdio,
      ...(pipes.length === 0 ? {} : { pipes }),
      preserveFds: listenFds + asked,
      ...(console === undefined ? {} : { consoleSocket: console.theirs }),
      ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
      ...(host.openFilesLimit === undefined ? {} : { openFilesLimit: host.openFilesLimit }),
    },
    environment: listenFds === 0 ? [] : [`LISTEN_FDS=${listenFds}`, 'LISTEN_PID=1'],
    ends: console?.ours === undefined ? ends : { console: console.ours },
    close: () => kept.dispose(),
  };
}

/** Keeps what has been opened: closed together where opening anything more fails. */
interface BothSides {
  /** For the container. */
  theirs(fd: Fd): Fd;
  /** For this process. */
  ours(fd: Fd): Owned;
}

const STANDARD = [0, 1, 2] as const;

/** @returns the config with the variables that its process inherits */
export function withEnvironment(config: Config, { environment }: Pick<Inherited, 'environment'>): Config {
  const { process } = config;
  if (process === undefined || environment.length === 0) return config;
  return { ...config, process: { ...process, env: [...(process.env ?? []), ...environment] } };
}

/** @throws EffectError in runc's words, which engines may know */
function checkTerminal({ terminal, detach, consoleSocket }: InheritanceOptions): void {
  const given = consoleSocket !== undefined && consoleSocket !== '';
  if (detach && terminal && !given)
    throw new EffectError('cannot allocate tty if runchart will detach without setting console socket');
  if ((!detach || !terminal) && given)
    throw new EffectError('cannot use console socket if runchart will not detach or allocate tty');
}

/** How many sockets systemd passed on (sd_listen_fds(3)). None where the variables are meant for another process. */
function listenFdsOf({ env, pid }: Context['host']): number {
  if (integer(env.LISTEN_PID) !== pid) return 0;
  return Math.max(0, integer(env.LISTEN_FDS) ?? 0);
}

const integer = (text: string | undefined): number | undefined =>
  text !== undefined && /^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined;

/**
 * The engine's own descriptors have the numbers that the caller left free. Close-on-exec does not tell them apart,
 * since Bun sets it on all.
 */
const ENGINE_OWN = ['anon_inode:[eventpoll]', 'anon_inode:[io_uring]'];

function requireOpen({ platform, host }: Pick<Context, 'platform' | 'host'>, fd: Fd, what: string): void {
  const name = nameOfOpenFile(platform.local, fd);
  const launched = [host.stage?.socket, host.stage?.channel, host.environmentFile].includes(fd);
  if (name === undefined || launched || ENGINE_OWN.includes(name))
    throw new EffectError(`${what}: descriptor ${fd} is not open`);
}

function consoleFor(
  local: Kernel,
  { terminal, detach, consoleSocket }: InheritanceOptions,
  both: BothSides,
): { readonly theirs: Fd; readonly ours?: Owned } | undefined {
  if (!terminal) return undefined;
  if (detach) return { theirs: both.theirs(connectSocket(local, 'the console socket', consoleSocket ?? '')) };
  const [own, other] = socketPair(local);
  return { ours: both.ours(own), theirs: both.theirs(other) };
}

/** Whether two descriptors are one open file. False where the kernel does not tell: kcmp(2) may be forbidden. */
const isSameOpenFile = (local: Kernel, pid: Pid, one: Fd, other: Fd): boolean =>
  attempt(local, { name: 'kcmp', args: [pid, pid, KCMP_FILE, one, other] }) === 0;

const KCMP_FILE = 0;

/**
 * Makes pipes in the place of those of the caller's descriptors that the container must not have: see `mayBeShared`.
 */
function stdioPipes(
  local: Kernel,
  pid: Pid,
  both: BothSides,
): { readonly stdio: Inheritance['stdio']; readonly pipes: readonly Fd[]; readonly ends: PipeEnds } {
  const pipes: Fd[] = [];
  const inPlaceOf = (fd: Fd): readonly [Fd, Owned | undefined] => {
    if (mayBeShared(local, fd)) return [fd, undefined];
    const [reading, writing] = doing('make a pipe for the container', () => pipe(local, O.CLOEXEC));
    const [their, our] = fd === 0 ? [reading, writing] : [writing, reading];
    pipes.push(both.theirs(their));
    return [their, both.ours(our)];
  };
  const [stdin, input] = inPlaceOf(0);
  const [stdout, output] = inPlaceOf(1);
  // After `2>&1`, what is written to both stays in its order.
  const [stderr, error] = output !== undefined && isSameOpenFile(local, pid, 1, 2) ? [stdout, undefined] : inPlaceOf(2);
  return {
    stdio: [stdin, stdout, stderr],
    pipes,
    ends: {
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error }),
    },
  };
}
