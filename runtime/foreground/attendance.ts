/**
 * What `run` and `exec` have in common while they stand for a process in the foreground: what the process inherits, the
 * caller's terminal, and the signals that are handed on.
 */

import { reasonOf } from '../../effects/error.ts';
import type { Attendance } from '../../effects/foreground/attend.ts';
import { type Channels, pipeChannels, terminalChannels } from '../../effects/foreground/channels.ts';
import { closeAll } from '../../effects/foreground/ends.ts';
import { type HostTerminal, openHostTerminal } from '../../effects/foreground/host-terminal.ts';
import { receiveMaster } from '../../effects/foreground/terminal.ts';
import { reaperOf } from '../../effects/running/wait.ts';
import { pidfdOpen, pidfdSendSignal } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import type { Context } from '../container/context.ts';
import { type CaughtSignals, catchSignals } from './caught-signals.ts';
import { type InheritanceOptions, type Inherited, inherit } from './inheritance.ts';
import { ENDING } from './interruptible.ts';

/** In reverse order, whatever happens. */
export type Undo = (() => void)[];

export interface Foreground {
  readonly inherited: Inherited;
  readonly signals: CaughtSignals;
  /** Gives the caller's terminal back its modes. */
  leaveTerminal(): void;
  /**
   * For a process that is ready and has not executed its program: opens what is copied, and the caller's terminal
   * becomes raw. @throws Error
   */
  connect(pid: number): Connected;
}

export interface Connected {
  /** For a process that runs: from now on it gets the signals. @param subreaper this process reaps all orphans */
  attendance(options: { readonly subreaper: boolean; readonly awaitsWriters: boolean }): Attendance;
}

const STDIO = [0, 1, 2] as const;

/** Signals are caught from now on. @throws EffectError */
export function enterForeground(context: Context, options: Omit<InheritanceOptions, 'detach'>, undo: Undo): Foreground {
  const { local } = context.platform;
  const inherited = inherit(context, { ...options, detach: false });
  undo.push(inherited.close);
  const owned = Object.values(inherited.ends);
  undo.push(() => closeAll(local, owned.splice(0)));
  const signals = catchSignals();
  undo.push(signals.release);
  const terminal = options.terminal ? openHostTerminal(local, STDIO) : undefined;
  const leaveTerminal = () => {
    terminal?.restore();
    terminal?.close();
  };
  undo.push(leaveTerminal);

  function connect(pid: number): Connected {
    const pidfd = call(local, pidfdOpen(pid));
    undo.push(() => closeAll(local, [pidfd]));
    const { channels, resize } = open(context, inherited, terminal);
    // The channels close what they copy from and to.
    if (inherited.ends.console === undefined) owned.splice(0);
    undo.push(channels.close);
    // The process has its own by now; while we had them too, no pipe would end.
    inherited.close();
    terminal?.enterRaw();
    resize();
    return {
      attendance({ subreaper, awaitsWriters }) {
        const reaper = reaperOf(local, pid);
        const { promise: abandoned, resolve: abandon } = Promise.withResolvers<void>();
        signals.deliverTo((signal) => {
          if (signal === SIGNALS.SIGCHLD) {
            if (subreaper) reaper.reapOrphans();
            return;
          }
          if (signal === SIGNALS.SIGWINCH) return resize();
          if (signal === SIGNALS.SIGCONT) resume(context, terminal);
          const sent = attempt(local, pidfdSendSignal(pidfd, signal));
          if (sent === -ERRNO.ESRCH && ENDING.includes(signal)) abandon();
        });
        if (subreaper) reaper.reapOrphans();
        const { inputs, outputs } = channels;
        return { pidfd, reaper, inputs, outputs, awaitsWriters: awaitsWriters && !terminal, abandoned };
      },
    };
  }
  return { inherited, signals, leaveTerminal, connect };
}

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
