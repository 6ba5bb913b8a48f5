/**
 * Runs one hook after the other. A hook gets the container's state on stdin. Its output is kept for the error, and its
 * timeout ends it. Others know where it is started (start.ts).
 */

import { dataFile, readDataEnd } from '../../native/calls/data-file.ts';
import type { Ending } from '../../native/calls/ending.ts';
import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, OwnedStack, opened } from '../../native/kernel/owned.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import { firstToEnd, hasEnded, killProcess } from '../../native/stage/program.ts';
import type { State } from '../../spec/types.ts';
import { EffectError, reasonOf } from '../error.ts';
import { describeEnding } from './ending.ts';
import type { PlannedHook } from './plan.ts';

/** A hook that has been started. */
export interface RunningHook {
  /** In this process. Whoever has started the hook closes it. */
  readonly pidfd: Fd;
  /** Reaps the hook once it has ended. */
  end(): Ending;
}

/** Descriptors of this process. */
type Stdio = readonly [stdin: Fd, stdout: Fd, stderr: Fd];

/**
 * Starts a hook that gets these as its standard descriptors.
 * @throws SyscallError of what failed before or at execve
 */
export type StartHook = (hook: PlannedHook, stdio: Stdio) => RunningHook;

/** For files that hooks write to. The terminal of whoever calls the runtime is not taken by one of them. */
const APPEND = O.WRONLY | O.CREAT | O.APPEND | O.NOCTTY;

/** How many bytes of a hook's stdout, and of its stderr, an error shows: the last ones, which say why it ended. */
const OUTPUT_LIMIT = 16 * 1024;

/** How long a hook may take to end by itself after the init has ended: it may be the one that ended the init. */
const FAREWELL_MS = 1000;

/**
 * Runs hooks in order, and stops at the first that fails.
 * @param init a pidfd of the init, for hooks that serve no purpose without the init: they are ended when it ends. So
 * `delete --force` need not wait for a hook that hangs
 * @throws EffectError `error running createRuntime hook #0: exit status 1, stdout: , stderr: `
 */
export async function runInOrder(
  platform: Platform,
  hooks: readonly PlannedHook[],
  state: State,
  start: StartHook,
  init?: Fd,
): Promise<void> {
  for (const hook of hooks) await runOne(platform, hook, state, start, init);
}

/** Runs hooks in order, also after one has failed. @throws EffectError that names all that failed */
export async function runAll(
  platform: Platform,
  hooks: readonly PlannedHook[],
  state: State,
  start: StartHook,
): Promise<void> {
  const errors: unknown[] = [];
  for (const hook of hooks) {
    try {
      await runOne(platform, hook, state, start);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new EffectError(errors.map(reasonOf).join('; '), { cause: errors[0] });
}

async function runOne(platform: Platform, hook: PlannedHook, state: State, start: StartHook, init?: Fd): Promise<void> {
  const { local } = platform;
  using files = new OwnedStack();
  // Files, not pipes: nobody needs to empty them while the hook runs, and what it leaves running cannot hold us up.
  const file = (name: string, content = ''): Fd =>
    files.use(new Owned(local, dataFile(local, `hook-${name}`, content))).fd;
  const output = (name: 'stdout' | 'stderr'): Fd => {
    const path = hook.output?.[name];
    if (path === undefined) return file(name);
    try {
      return files.use(opened(local, openat(AT.FDCWD, path, APPEND, 0o600))).fd;
    } catch (error) {
      throw new EffectError(`error running ${hook.label}: open ${path} for its ${name}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  };
  const stdio = [file('stdin', JSON.stringify(state)), output('stdout'), output('stderr')] as const;
  const failure = await failureOf(platform, hook, start, stdio, init);
  if (failure === undefined) return;
  const { words, cause } = failure;
  throw new EffectError(`error running ${hook.label}: ${words}`, { cause, about: { path: hook.path } });
}

interface HookFailure {
  readonly words: string;
  /** Why it could not be started, or not be waited for. */
  readonly cause?: unknown;
}

/** Runs a hook. @returns why it failed, if it did */
async function failureOf(
  platform: Platform,
  hook: PlannedHook,
  start: StartHook,
  stdio: Stdio,
  init: Fd | undefined,
): Promise<HookFailure | undefined> {
  let running: RunningHook;
  try {
    running = start(hook, stdio);
  } catch (cause) {
    return { words: notStarted(cause), cause };
  }
  using pidfd = new Owned(platform.local, running.pidfd);
  let killed: string | undefined;
  try {
    // Somebody may end the wait.
    killed = await reasonToKill(platform, hook, pidfd.fd, init).catch(reasonOf);
    if (killed !== undefined) await killProcess(platform, pidfd.fd);
  } catch (cause) {
    // It does not end, so it cannot be reaped either.
    return { words: killed === undefined ? reasonOf(cause) : `${killed}; ${reasonOf(cause)}`, cause };
  }
  const ending = describeEnding(running.end());
  if (killed !== undefined) return { words: killed };
  if (ending === undefined) return undefined;
  const [, stdout, stderr] = stdio;
  const output = (fd: Fd, path: string | undefined): string =>
    path === undefined ? new TextDecoder().decode(readDataEnd(platform.local, fd, OUTPUT_LIMIT)) : `in ${path}`;
  const [ofOut, ofErr] = [output(stdout, hook.output?.stdout), output(stderr, hook.output?.stderr)];
  return { words: `${ending}, stdout: ${ofOut}, stderr: ${ofErr}` };
}

/** Waits until a hook has ended. @returns why it has to be killed, where it does not end */
async function reasonToKill(
  platform: Platform,
  { timeout }: PlannedHook,
  pidfd: Fd,
  init: Fd | undefined,
): Promise<string | undefined> {
  const awaited = init === undefined ? [pidfd] : [pidfd, init];
  const first = awaited[await firstToEnd(platform, awaited, timeout)];
  if (first === undefined) return `hook ran past specified timeout of ${((timeout ?? 0) / 1000).toFixed(1)}s`;
  if (first === pidfd || (await hasEnded(platform, pidfd, FAREWELL_MS))) return undefined;
  return "the container's init ended meanwhile";
}

/** `execve /no/such/hook: ENOENT: …`: the call that failed, and its path if it has one. */
function notStarted(error: unknown): string {
  if (!(error instanceof SyscallError)) return reasonOf(error);
  const [path] = error.call.args;
  return `${error.call.name}${typeof path === 'string' ? ` ${path}` : ''}: ${reasonOf(error)}`;
}
