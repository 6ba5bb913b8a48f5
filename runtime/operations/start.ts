/** `start`, for commands that do not stay: what the container's process says to NOTIFY_SOCKET is waited for. */

import { succeed } from '../container/answers.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../container/context.ts';

/** NOTIFY_SOCKET of a command. */
interface Awaited {
  readonly address: string | undefined;
  /** Whether it is an error that nobody listens there: of runc's commands, `start` fails by it, and `run` does not. */
  readonly required: boolean;
}

/** @throws Error, of one line */
export async function startTelling(
  context: Context,
  container: Container,
  { address, required }: Awaited,
): Promise<void> {
  if (!address) return succeed(context, await container.request({ type: 'start' }));
  const { forwardReady, openNotifier, tryNotifier } = await import('../foreground/notify.ts');
  const notifier = (required ? openNotifier : tryNotifier)(context, container, address);
  try {
    succeed(context, await container.request({ type: 'start' }));
    if (notifier !== undefined) await forwardReady(context, container, notifier);
  } finally {
    notifier?.close();
  }
}
