/**
 * `run` without `--detach`: this command stands for the container's process until that ends. What is decided before the
 * long wait, the wait itself (effects/foreground/attend.ts), and what is decided after it, are steps apart.
 */

import { reasonOf } from '../effects/error.ts';
import { type Attendance, attend } from '../effects/foreground/attend.ts';
import { type Channels, pipeChannels, terminalChannels } from '../effects/foreground/channels.ts';
import { closeAll } from '../effects/foreground/ends.ts';
import { type HostTerminal, openHostTerminal } from '../effects/foreground/host-terminal.ts';
import { receiveMaster } from '../effects/foreground/terminal.ts';
import { reapAll, reaperOf } from '../effects/wait.ts';
import { pidfdOpen, pidfdSendSignal, prctl } from '../native/calls/process.ts';
import { ERRNO } from '../native/constants/errno.ts';
import { PR } from '../native/constants/process.ts';
import { SIGNALS } from '../native/constants/signal.ts';
import { attempt, call } from '../native/perform.ts';
import { announce } from './announce.ts';
import { succeed } from './answers.ts';
import { type CaughtSignals, catchSignals } from './caught-signals.ts';
import type { Container } from './container.ts';
import type { Context } from './context.ts';
import { type InheritanceOptions, type Inherited, inherit } from './inheritance.ts';
import { openExisting } from './open.ts';
import { isStoreError } from './store-error.ts';

export interface ForegroundOptions extends Omit<InheritanceOptions, 'detach'> {
  /** `--pid-file`, absolute. */
  readonly pidFile?: string | undefined;
  /** Not with `--no-subreaper`. All children of this process are reaped then, whoever they belong to. */
  readonly subreaper: boolean;
  /** `--keep`: the container stays, stopped. */
  readonly keep: boolean;
}

/**
 * Has a container created, starts it, stands for it until its process has ended, and deletes it.
 * Signals are caught from before the creation to after the deletion; the container's lock is free during the wait.
 *
 * @param create `createContainer` with `inherited.inheritance`, and with a config that went through `withEnvironment`
 * @returns the exit status of the container's process, 128 + n where signal n ended it
 * @throws Error of one line, where it did not come to run; the terminal is as it was, and no container is left
 */
export async function runForeground(
  context: Context,
  options: ForegroundOptions,
  create: (inherited: Inherited) => Promise<Container>,
): Promise<number> {
  const { platform } = context;
  const { local } = platform;
  const undo: (() => void)[] = [];
  try {
    const inherited = inherit(context, { ...options, detach: false });
    undo.push(inherited.close);
    const owned = Object.values(inherited.ends);
    undo.push(() => closeAll(local, owned.splice(0)));
    if (options.subreaper) becomeSubreaper(context);
    const signals = catchSignals();
    undo.push(signals.release);
    const terminal = options.terminal ? openHostTerminal(local, STDIO) : undefined;
    const leaveTerminal = () => {
      terminal?.restore();
      terminal?.close();
    };
    undo.push(leaveTerminal);

    const container = await create(inherited);
    undo.push(() => container.close());
    const begun = await begin(context, options, { container, inherited, terminal, signals, undo });
    const status = await attend(platform, begun);

    // What now comes from children belongs to those who wait for them: hooks, say.
    signals.deliverTo(() => undefined);
    leaveTerminal();
    if (!options.keep) await remove(context, container);
    if (options.subreaper) reapAll(local);
    return status;
  } finally {
    for (const step of undo.toReversed()) step();
  }
}

const STDIO = [0, 1, 2] as const;

/** So that what the container leaves behind without a pid namespace of its own is not left to the host's init. */
function becomeSubreaper({ platform, warn }: Context): void {
  if (attempt(platform.local, prctl(PR.SET_CHILD_SUBREAPER, 1)) < 0) warn('this process cannot become a subreaper');
}

interface Beginning {
  readonly container: Container;
  readonly inherited: Inherited;
  readonly terminal: HostTerminal | undefined;
  readonly signals: CaughtSignals;
  readonly undo: (() => void)[];
}

/** From a container that has been created to one that runs, and what there is to attend to. Lets go of its lock. */
async function begin(context: Context, options: ForegroundOptions, beginning: Beginning): Promise<Attendance> {
  const { container, inherited, terminal, signals, undo } = beginning;
  const { local } = context.platform;
  try {
    const pid = container.record.init?.pid ?? 0;
    const pidfd = call(local, pidfdOpen(pid));
    undo.push(() => closeAll(local, [pidfd]));
    announce(local, pid, { pidFile: options.pidFile, pidfdSocket: inherited.inheritance.pidfdSocket });
    const { channels, resize } = open(context, inherited, terminal);
    undo.push(channels.close);
    // The init has its own by now; while we had them too, no pipe would end.
    inherited.close();
    terminal?.enterRaw();
    resize();
    succeed(context, await container.request({ type: 'start' }));

    const reaper = reaperOf(local, pid);
    const { promise: abandoned, resolve: abandon } = Promise.withResolvers<void>();
    signals.deliverTo((signal) => {
      if (signal === SIGNALS.SIGCHLD) {
        if (options.subreaper) reaper.reapOrphans();
        return;
      }
      if (signal === SIGNALS.SIGWINCH) return resize();
      if (signal === SIGNALS.SIGCONT) resume(context, terminal);
      const sent = attempt(local, pidfdSendSignal(pidfd, signal));
      if (sent === -ERRNO.ESRCH && ENDING.includes(signal)) abandon();
    });
    if (options.subreaper) reaper.reapOrphans();
    container.release();
    return { pidfd, reaper, inputs: channels.inputs, outputs: channels.outputs, abandoned };
  } catch (error) {
    await giveUp(context, container, options.keep);
    throw error;
  }
}

/** What tells a command to end. */
const ENDING: readonly number[] = [SIGNALS.SIGHUP, SIGNALS.SIGINT, SIGNALS.SIGQUIT, SIGNALS.SIGTERM];

function open(
  { platform: { local } }: Context,
  { ends }: Inherited,
  terminal: HostTerminal | undefined,
): { readonly channels: Channels; resize(): void } {
  if (ends.console === undefined || terminal === undefined)
    return { channels: pipeChannels(local, STDIO, ends), resize: () => undefined };
  const master = receiveMaster(local, ends.console);
  return { channels: terminalChannels(local, STDIO, master), resize: () => terminal.copySizeTo(master) };
}

/** After it was stopped: the shell has set its own modes meanwhile. */
function resume({ warn }: Context, terminal: HostTerminal | undefined): void {
  try {
    terminal?.enterRaw();
  } catch (error) {
    warn(reasonOf(error));
  }
}

/** The container was created and does not run: nobody would look after it. */
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

/** Whoever worked on the container meanwhile may have changed it, deleted it, or made another one of its name. */
async function remove(context: Context, container: Container): Promise<void> {
  const { id, created } = container.record;
  try {
    if (await container.reacquire()) {
      succeed(context, await container.request({ type: 'delete', force: true }));
      return;
    }
    // With its lock: this is another opening of the same directory.
    container.close();
    const changed = await openExisting(context, id, 'delete');
    try {
      if (changed.record.created === created) succeed(context, await changed.request({ type: 'delete', force: true }));
    } finally {
      changed.close();
    }
  } catch (error) {
    // Somebody was faster.
    if (!isStoreError(error, 'missing')) context.warn(`delete container ${id}: ${reasonOf(error)}`);
  }
}
