/**
 * Stands for a process in the foreground where this process works for another one, its caller (runtime/resident/). The
 * caller catches signals from before the process is made, and waits for it by itself.
 */

import { SIGNALS } from '../../native/constants/signal.ts';
import type { Caller } from '../../native/resident/caller.ts';
import type { Context } from '../container/context.ts';
import type { Foreground } from './attended.ts';
import { CAUGHT } from './caught-signals.ts';
import { type InheritanceOptions, inherit } from './inheritance.ts';

/**
 * @param undo gets what there is to close in the end
 * @throws NotServedError where the container has a terminal: what goes through it is answered by this process itself
 */
export function enterForegroundFor(
  caller: Caller,
  context: Context,
  options: Omit<InheritanceOptions, 'detach'>,
  undo: DisposableStack,
): Foreground {
  if (options.terminal) caller.refuse('a terminal in the foreground');
  const inherited = inherit(context, { ...options, detach: false });
  undo.defer(inherited.close);
  const { console: _, ...pipes } = inherited.ends;
  for (const end of Object.values(pipes)) undo.use(end);
  const signals = CAUGHT.map((name) => SIGNALS[name]);
  caller.catchSignals(signals);
  return {
    inherited,
    signals: { deliverTo: () => undefined, release: () => undefined },
    leaveTerminal: () => undefined,
    connect(pid) {
      inherited.close();
      return {
        attendance: ({ subreaper, awaitsWriters }) => ({
          async untilEnd(next) {
            const status = caller.attend({
              pid,
              pipes: { input: pipes.input?.fd, output: pipes.output?.fd, error: pipes.error?.fd },
              subreaper,
              awaitsWriters,
              signals,
              ...(next && { next: next() }),
            });
            // The caller has them. While we held them too, no pipe would come to its end.
            for (const end of Object.values(pipes)) end[Symbol.dispose]();
            return status;
          },
        }),
      };
    },
  };
}
