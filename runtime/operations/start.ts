/** `start`, for commands that end once the container runs. */

import { succeed } from '../container/answers.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../container/context.ts';

/** NOTIFY_SOCKET, in the command's environment (sd_notify(3)). */
interface NotifySocket {
  readonly address: string | undefined;
  /** Whether it is an error that nobody listens there. As with runc: it is one for `start`, and none for `run`. */
  readonly required: boolean;
}

/**
 * Starts a container. Where there is a NOTIFY_SOCKET, waits until the container's process says that it is ready, and
 * passes that on.
 * @throws Error of one line
 */
export async function startContainer(
  context: Context,
  container: Container,
  { address, required }: NotifySocket,
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
