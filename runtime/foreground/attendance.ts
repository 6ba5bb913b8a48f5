/**
 * What `run` and `exec` have in common while they stand for a process in the foreground: what the process inherits, the
 * caller's terminal, and the signals that are handed on.
 */

import { reasonOf } from '../../effects/error.ts';
import { attend } from '../../effects/foreground/attend.ts';
import { type HostTerminal, openHostTerminal } from '../../effects/foreground/host-terminal.ts';
import { pipeRelay, type Relay, terminalRelay } from '../../effects/foreground/relay.ts';
import { receiveMaster } from '../../effects/foreground/terminal.ts';
import { reaperOf } from '../../effects/running/wait.ts';
import { pidfdOpen, pidfdSendSignal } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { Context } from '../container/context.ts';
import type { Connected, Foreground } from './attended.ts';
import { catchSignals } from './caught-signals.ts';
import { enterForegroundFor } from './for-caller.ts';
import { type InheritanceOptions, type Inherited, inherit } from './inheritance.ts';
import { ENDING } from './interruptible.ts';

const STDIO = [0, 1, 2] as const;

/**
 * Opens what the process inherits, and catches signals from now on.
 * @param undo gets what there is to close and to give back, in the end
 * @throws EffectError
 */
export function enterForeground(
  context: Context,
  options: Omit<InheritanceOptions, 'detach'>,
  undo: DisposableStack,
): Foreground {
  const { local, caller } = context.platform;
  if (caller !== undefined) return enterForegroundFor(caller, context, options, undo);
  const inherited = inherit(context, { ...options, detach: false });
  undo.defer(inherited.close);
  for (const end of Object.values(inherited.ends)) undo.use(end);
  const signals = catchSignals();
  undo.defer(signals.release);
  const terminal = options.terminal ? openHostTerminal(local, STDIO) : undefined;
  const leaveTerminal = () => {
    terminal?.restore();
    terminal?.close();
  };
  undo.defer(leaveTerminal);

  function connect(pid: Pid): Connected {
    const pidfd = undo.use(opened(local, pidfdOpen(pid))).fd;
    const { relay, resize } = openRelay(context, inherited, terminal);
    undo.defer(relay.close);
    // The process has its own descriptors by now. While we held them too, no pipe would come to its end.
    inherited.close();
    terminal?.enterRaw();
    resize();
    return {
      attendance({ subreaper, awaitsWriters }) {
        const reaper = reaperOf(local, pid);
        const { promise: abandoned, resolve: abandon } = Promise.withResolvers<void>();
        const onSignal = signalHandler(context, { pidfd, terminal, resize, abandon });
        signals.deliverTo((signal) => {
          if (signal !== SIGNALS.SIGCHLD) onSignal(signal);
          else if (subreaper) reaper.reapOrphans();
        });
        if (subreaper) reaper.reapOrphans();
        const { inputs, outputs } = relay;
        const attendance = { pidfd, reaper, inputs, outputs, awaitsWriters: awaitsWriters && !terminal, abandoned };
        return { untilEnd: () => attend(context.platform, attendance) };
      },
    };
  }
  return { inherited, signals, leaveTerminal, connect };
}

interface Signalled {
  readonly pidfd: Fd;
  readonly terminal: HostTerminal | undefined;
  /** Gives the container's terminal the size of the caller's. */
  resize(): void;
  /** Called when a signal tells the command to end, and the process is gone. */
  abandon(): void;
}

/** Hands signals on to the process. */
function signalHandler(context: Context, { pidfd, terminal, resize, abandon }: Signalled): (signal: number) => void {
  return (signal) => {
    if (signal === SIGNALS.SIGWINCH) return resize();
    if (signal === SIGNALS.SIGCONT) enterRawAgain(context, terminal);
    const sent = attempt(context.platform.local, pidfdSendSignal(pidfd, signal));
    if (sent === -ERRNO.ESRCH && ENDING.includes(signal)) abandon();
  };
}

function openRelay(
  { platform: { local } }: Context,
  { ends }: Inherited,
  terminal: HostTerminal | undefined,
): { readonly relay: Relay; resize(): void } {
  if (ends.console === undefined || terminal === undefined)
    return { relay: pipeRelay(local, STDIO, ends), resize: () => undefined };
  const master = receiveMaster(local, ends.console.fd);
  return { relay: terminalRelay(local, STDIO, master), resize: () => terminal.copySizeTo(master) };
}

/** After this process was stopped: the shell has set modes of its own meanwhile. */
function enterRawAgain({ warn }: Context, terminal: HostTerminal | undefined): void {
  try {
    terminal?.enterRaw();
  } catch (error) {
    warn(reasonOf(error));
  }
}
