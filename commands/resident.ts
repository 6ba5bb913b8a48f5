/** What a resident engine runs instead of one command: commands of its callers, one after the other. */

import { ordersIn, serveCommands } from '../runtime/resident/engine.ts';
import { dispatch } from './dispatch.ts';
import { isServed, SERVED } from './served.ts';
import { commandNamed } from './table.ts';

export const serve = (orders: string): Promise<void> =>
  serveCommands(ordersIn(orders), {
    isServed,
    dispatch,
    async loadAhead() {
      await Promise.all([
        import('./globals.ts'),
        import('./report.ts'),
        ...[...SERVED].map((name) => commandNamed(name)?.()),
      ]);
    },
  });
