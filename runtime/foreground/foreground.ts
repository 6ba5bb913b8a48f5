/**
 * `run` without `--detach`: this command stands for the container's process until that ends. There are three steps:
 * what is decided before the long wait, the wait itself (effects/foreground/attend.ts), and what is decided after it.
 */

import { reasonOf } from '../../effects/error.ts';
import { reapAll } from '../../effects/running/wait.ts';
import { prctl } from '../../native/calls/process.ts';
import { PR } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import { post } from '../../native/kernel/perform.ts';
import { succeed } from '../container/answers.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../container/context.ts';
import { openExisting } from '../container/open.ts';
import { isStoreError } from '../store/error.ts';
import { announce } from './announce.ts';
import { enterForeground } from './attendance.ts';
import type { Attended, Foreground } from './attended.ts';
import type { InheritanceOptions, Inherited } from './inheritance.ts';
import { EndedBySignal, unlessEnded } from './interruptible.ts';

export interface ForegroundOptions extends Omit<InheritanceOptions, 'detach'> {
  /** `--pid-file`, absolute. */
  readonly pidFile?: string | undefined;
  /** False with `--no-subreaper`. Where true, all children of this process are reaped, whoever they belong to. */
  readonly subreaper: boolean;
  /** `--keep`: the container stays, stopped. */
  readonly keep: boolean;
  /** NOTIFY_SOCKET of this command. Whoever listens there is told to watch this process. */
  readonly notifySocket?: string | undefined;
  /** Whether the container runs already when it has been made, since it was restored. */
  readonly running?: boolean;
}

/**
 * Creates a container, starts it, stands for it until its process has ended, and deletes it. Signals are caught from
 * before the creation to after the deletion. The container's lock is free during the wait.
 *
 * @param id of the container, for a warning
 * @param create `createContainer` with `inherited.inheritance`, and with a config that went through `withEnvironment`
 * @returns the exit status of the container's process; 128 + n where signal n ended it, or came while the creation hung
 * @throws Error of one line, where it did not come to run; the terminal is as it was, and no container is left
 */
export async function runForeground(
  context: Context,
  id: string,
  options: ForegroundOptions,
  create: (inherited: Inherited) => Promise<Container>,
): Promise<number> {
  const { platform } = context;
  using undo = new DisposableStack();
  const foreground = enterForeground(context, options, undo);
  if (options.subreaper) becomeSubreaper(context);
  const begun = await unlessEnded(context, id, async () => {
    const container = await create(foreground.inherited);
    undo.defer(() => container.close());
    const notifier = await notifierFor(context, container, options);
    undo.defer(() => notifier?.close());
    return { container, notifier, attendance: await begin(context, options, container, foreground) };
  });
  if (begun instanceof EndedBySignal) return begun.status;
  const { container, notifier, attendance } = begun;
  const told = notifier?.forward(context.host.pid).catch((error: unknown) => context.warn(reasonOf(error)));
  const status = await attendance.untilEnd(options.keep ? undefined : () => lineOfRemoval(context, container));
  await told;
  // The caller removes the container, by that line.
  if (status === undefined) return 0;

  // From now on it is for those who have children, such as hooks, to wait for them.
  foreground.signals.deliverTo(() => undefined);
  foreground.leaveTerminal();
  if (!options.keep) await remove(context, container);
  if (options.subreaper) {
    if (platform.caller) platform.caller.reapOrphans();
    else reapAll(platform.local);
  }
  return status;
}

async function notifierFor(context: Context, container: Container, { notifySocket }: ForegroundOptions) {
  if (!notifySocket) return undefined;
  const { tryNotifier } = await import('./notify.ts');
  return tryNotifier(context, container, notifySocket);
}

/** Without a pid namespace of its own a container may leave processes behind: the host's init would get those. */
function becomeSubreaper({ platform, warn }: Context): void {
  const becoming: Call = { ...prctl(PR.SET_CHILD_SUBREAPER, 1), mayFail: true };
  post(platform.local, [becoming], ({ results: [result = 0] }) => {
    if (result < 0) warn('this process cannot become a subreaper');
  });
}

/** Starts a container that has been created, and lets go of its lock. @returns what there is to attend to */
async function begin(
  context: Context,
  { pidFile, subreaper, keep, running }: ForegroundOptions,
  container: Container,
  { inherited, connect }: Foreground,
): Promise<Attended> {
  try {
    const pid = container.record.init?.pid ?? 0;
    announce(context.platform.local, pid, { pidFile, pidfdSocket: inherited.inheritance.pidfdSocket });
    const connected = connect(pid);
    if (!running) succeed(context, await container.request({ type: 'start' }));
    const attendance = connected.attendance({ subreaper, awaitsWriters: false });
    container.release();
    return attendance;
  } catch (error) {
    await giveUp(context, container, keep);
    throw error;
  }
}

/** Ends a container that was created, and that nobody would look after. */
async function giveUp(context: Context, container: Container, keep: boolean): Promise<void> {
  try {
    const answer = await container.request(
      keep ? { type: 'kill', signal: SIGNALS.SIGKILL, all: false } : { type: 'delete', force: true },
    );
    if (answer.outcome === 'failed') succeed(context, answer);
  } catch (error) {
    context.warn(`clean up after container ${container.record.id}: ${reasonOf(error)}`);
  }
}

/** The command line that deletes the container once its process has ended. The exit status is the last word of it. */
const lineOfRemoval = ({ globalWords = [] }: Context, { record: { id, created } }: Container): readonly string[] => [
  'runchart',
  ...globalWords,
  'finish',
  id,
  created,
];

/** Deletes a container whose process has ended, unless another one has its name by now. */
export async function removeEnded(context: Context, id: string, created: string): Promise<void> {
  try {
    using container = await openExisting(context, id, 'delete');
    if (container.record.created !== created) return;
    succeed(context, await container.request({ type: 'delete', force: true }));
  } catch (error) {
    // Somebody else has deleted it.
    if (!isStoreError(error, 'missing')) context.warn(`delete container ${id}: ${reasonOf(error)}`);
  }
}

/** Deletes the container. Others may have changed it meanwhile, deleted it, or made another one of its name. */
async function remove(context: Context, container: Container): Promise<void> {
  const { id, created } = container.record;
  try {
    if (await container.reacquire()) {
      succeed(context, await container.request({ type: 'delete', force: true }));
      return;
    }
    // Closed first, since it may hold the lock that the next opening of the same directory waits for.
    container.close();
    await removeEnded(context, id, created);
  } catch (error) {
    // Somebody else has deleted it.
    if (!isStoreError(error, 'missing')) context.warn(`delete container ${id}: ${reasonOf(error)}`);
  }
}
