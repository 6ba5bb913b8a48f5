/** What a container's process is to get from the command that creates it, opened and checked before anything is made. */

import { doing, EffectError } from '../../effects/error.ts';
import { closeAll, mayBeShared } from '../../effects/foreground/ends.ts';
import { connectSocket } from '../../effects/handover/sockets.ts';
import type { Inheritance } from '../../effects/session.ts';
import { pipe, socketPair } from '../../native/calls/pair.ts';
import { nameOfOpenFile } from '../../native/calls/read-link.ts';
import { O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { Config } from '../../spec/types.ts';
import type { Context } from '../container/context.ts';

export interface InheritanceOptions {
  /** `process.terminal` of the config. */
  readonly terminal: boolean;
  /** `create`, and `run --detach`: nobody of ours stays to copy. */
  readonly detach: boolean;
  /** Path of `--console-socket`, absolute. */
  readonly consoleSocket?: string | undefined;
  /** Path of `--pidfd-socket`, absolute. */
  readonly pidfdSocket?: string | undefined;
  /** `--preserve-fds`. */
  readonly preserveFds?: number | undefined;
}

/** This process's ends of what a foreground container has for its standard descriptors; undefined where it has the caller's own. */
export interface ForegroundEnds {
  /** The socket that the terminal's master comes over. */
  readonly console?: number;
  readonly input?: number;
  readonly output?: number;
  readonly error?: number;
}

export interface Inherited {
  /** For `createContainer`. */
  readonly inheritance: Inheritance;
  /** For the container's process: LISTEN_FDS and LISTEN_PID where sockets are passed on. */
  readonly environment: readonly string[];
  readonly ends: ForegroundEnds;
  /** Closes what the container's init has by now, or never will have: to be called when `createContainer` is done. */
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

  const theirs: number[] = [];
  const ours: number[] = [];
  const keep = (fd: number): number => {
    theirs.push(fd);
    return fd;
  };
  try {
    const { stdio, ends } =
      options.detach || options.terminal ? { stdio: STANDARD, ends: {} } : stdioPipes(local, host.pid, theirs, ours);
    const pipes = [...theirs];
    const console = consoleFor(local, options, theirs, ours);
    const pidfdSocket =
      options.pidfdSocket === undefined
        ? undefined
        : keep(connectSocket(local, 'the pidfd socket', options.pidfdSocket));
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
      close: () => closeAll(local, theirs.splice(0)),
    };
  } catch (error) {
    closeAll(local, [...theirs, ...ours]);
    throw error;
  }
}

const STANDARD = [0, 1, 2] as const;

/** The config with what its process inherits by way of its environment. */
export function withEnvironment(config: Config, { environment }: Pick<Inherited, 'environment'>): Config {
  const { process } = config;
  if (process === undefined || environment.length === 0) return config;
  return { ...config, process: { ...process, env: [...(process.env ?? []), ...environment] } };
}

/** In runc's words, which engines may know. */
function checkTerminal({ terminal, detach, consoleSocket }: InheritanceOptions): void {
  const given = consoleSocket !== undefined && consoleSocket !== '';
  if (detach && terminal && !given)
    throw new EffectError('cannot allocate tty if runchart will detach without setting console socket');
  if ((!detach || !terminal) && given)
    throw new EffectError('cannot use console socket if runchart will not detach or allocate tty');
}

/** How many sockets systemd passed on, sd_listen_fds(3): none where the variables are meant for another process. */
function listenFdsOf({ env, pid }: Context['host']): number {
  if (integer(env.LISTEN_PID) !== pid) return 0;
  return Math.max(0, integer(env.LISTEN_FDS) ?? 0);
}

const integer = (text: string | undefined): number | undefined =>
  text !== undefined && /^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined;

/** The engine's own descriptors are where the caller left a gap: close-on-exec does not tell them apart, since Bun sets it on all. */
const ENGINE_OWN = ['anon_inode:[eventpoll]', 'anon_inode:[io_uring]'];

function requireOpen({ platform, host }: Pick<Context, 'platform' | 'host'>, fd: number, what: string): void {
  const name = nameOfOpenFile(platform.local, fd);
  const launched = [host.stage?.socket, host.stage?.channel, host.environmentFile].includes(fd);
  if (name === undefined || launched || ENGINE_OWN.includes(name))
    throw new EffectError(`${what}: descriptor ${fd} is not open`);
}

function consoleFor(
  local: Kernel,
  { terminal, detach, consoleSocket }: InheritanceOptions,
  theirs: number[],
  ours: number[],
): { readonly theirs: number; readonly ours?: number } | undefined {
  if (!terminal) return undefined;
  if (detach) {
    const socket = connectSocket(local, 'the console socket', consoleSocket ?? '');
    theirs.push(socket);
    return { theirs: socket };
  }
  const [own, other] = socketPair(local);
  ours.push(own);
  theirs.push(other);
  return { theirs: other, ours: own };
}

/** Whether two descriptors are one open file. Where the kernel does not tell (kcmp(2) may be forbidden) they are not. */
const isSameOpenFile = (local: Kernel, pid: number, one: number, other: number): boolean =>
  attempt(local, { name: 'kcmp', args: [pid, pid, KCMP_FILE, one, other] }) === 0;

const KCMP_FILE = 0;

/** Pipes in the place of those of the caller's descriptors that the container must not have (effects/foreground/ends.ts). */
function stdioPipes(
  local: Kernel,
  pid: number,
  theirs: number[],
  ours: number[],
): { readonly stdio: Inheritance['stdio']; readonly ends: ForegroundEnds } {
  const inPlaceOf = (fd: number): readonly [number, number | undefined] => {
    if (mayBeShared(local, fd)) return [fd, undefined];
    const [reading, writing] = doing('make a pipe for the container', () => pipe(local, O.CLOEXEC));
    const [their, our] = fd === 0 ? [reading, writing] : [writing, reading];
    theirs.push(their);
    ours.push(our);
    return [their, our];
  };
  const [stdin, input] = inPlaceOf(0);
  const [stdout, output] = inPlaceOf(1);
  // `2>&1`: what goes to both stays in its order.
  const [stderr, error] = output !== undefined && isSameOpenFile(local, pid, 1, 2) ? [stdout, undefined] : inPlaceOf(2);
  return {
    stdio: [stdin, stdout, stderr],
    ends: {
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error }),
    },
  };
}
