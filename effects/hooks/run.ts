/** Runs one hook after the other, wherever each is started: state on stdin, output kept for the error, timeout. */

import { dataFile, readDataFile } from '../../native/calls/data-file.ts';
import type { Ending } from '../../native/calls/ending.ts';
import { close } from '../../native/calls/files.ts';
import { attempt, SyscallError } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import { firstToEnd, hasEnded, killProcess } from '../../native/stage/program.ts';
import type { State } from '../../spec/types.ts';
import { EffectError, reasonOf } from '../error.ts';
import { describeEnding } from './ending.ts';
import type { PlannedHook } from './plan.ts';

/** A hook that has been started. */
export interface RunningHook {
  /** In this process. Closed by `end`. */
  readonly pidfd: number;
  /** Takes the status, once it has ended. */
  end(): Ending;
}

/** Starts a hook with these descriptors of ours as its standard ones. @throws SyscallError of what failed before or at execve */
export type StartHook = (hook: PlannedHook, stdio: readonly [number, number, number]) => RunningHook;

/** What of a hook's output an error shows, of each stream. */
const OUTPUT_LIMIT = 16 * 1024;

/** What a hook that has nothing to do any more is given to end by itself: it may be the one that ended the init. */
const FAREWELL_MS = 1000;

/**
 * In order; stops at the first that fails.
 * @param init its pidfd, where hooks have no purpose without it: so `delete --force` has not to wait for one that hangs
 * @throws EffectError `error running createRuntime hook #0: exit status 1, stdout: , stderr: `
 */
export async function runInOrder(
  platform: Platform,
  hooks: readonly PlannedHook[],
  state: State,
  start: StartHook,
  init?: number,
): Promise<void> {
  for (const hook of hooks) await runOne(platform, hook, state, start, init);
}

/** In order; one that fails does not keep the others from running. @throws EffectError that names all that failed */
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

async function runOne(
  platform: Platform,
  hook: PlannedHook,
  state: State,
  start: StartHook,
  init?: number,
): Promise<void> {
  const { local } = platform;
  const opened: number[] = [];
  // Files, not pipes: nobody needs to empty them while the hook runs, and what it leaves running cannot hold us up.
  const file = (name: string, content = ''): number => {
    const fd = dataFile(local, `hook-${name}`, content);
    opened.push(fd);
    return fd;
  };
  try {
    const stdio = [file('stdin', JSON.stringify(state)), file('stdout'), file('stderr')] as const;
    const failure = await failureOf(platform, hook, start, stdio, init);
    if (failure !== undefined) throw new EffectError(`error running ${hook.label}: ${failure}`);
  } finally {
    local.submit(opened.map((fd) => ({ ...close(fd), mayFail: true })));
  }
}

async function failureOf(
  platform: Platform,
  hook: PlannedHook,
  start: StartHook,
  stdio: readonly [number, number, number],
  init: number | undefined,
): Promise<string | undefined> {
  let running: RunningHook;
  try {
    running = start(hook, stdio);
  } catch (error) {
    return notStarted(error);
  }
  let killed: string | undefined;
  try {
    const awaited = init === undefined ? [running.pidfd] : [running.pidfd, init];
    const first = await firstToEnd(platform, awaited, hook.timeout);
    const abandoned = first === 1 && !(await hasEnded(platform, running.pidfd, FAREWELL_MS));
    if (first === -1) killed = `hook ran past specified timeout of ${((hook.timeout ?? 0) / 1000).toFixed(1)}s`;
    if (abandoned) killed = "the container's init ended meanwhile";
    if (killed !== undefined) await killProcess(platform, running.pidfd);
  } catch (error) {
    // It cannot be reaped either.
    return killed === undefined ? reasonOf(error) : `${killed}; ${reasonOf(error)}`;
  } finally {
    attempt(platform.local, close(running.pidfd));
  }
  const ending = describeEnding(running.end());
  if (killed !== undefined) return killed;
  if (ending === undefined) return undefined;
  const [, out, err] = stdio.map((fd) => text(readDataFile(platform.local, fd, OUTPUT_LIMIT)));
  return `${ending}, stdout: ${out}, stderr: ${err}`;
}

/** `execve /no/such/hook: ENOENT: …`: what failed, and on what where that is a path. */
function notStarted(error: unknown): string {
  if (!(error instanceof SyscallError)) return reasonOf(error);
  const [path] = error.call.args;
  return `${error.call.name}${typeof path === 'string' ? ` ${path}` : ''}: ${reasonOf(error)}`;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
