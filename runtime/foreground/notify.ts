/** What a command does whose environment has NOTIFY_SOCKET: systemd, or an engine on its behalf, waits for word. */

import { reasonOf } from '../../effects/error.ts';
import { closeAll } from '../../effects/foreground/ends.ts';
import { awaitReady, bindNotifySocket, connectNotifyHost, tellReady } from '../../effects/handover/notify.ts';
import { close } from '../../native/calls/files.ts';
import { pidfdOpen } from '../../native/calls/process.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../container/context.ts';

/** The sockets of both sides, made before the container is started. */
interface Notifier {
  /**
   * Waits until the container's process is ready or gone, and hands on the former. To be called when it runs.
   * @param mainPid that is to be watched; its own where not given
   * @throws Error, of one line, where the one who waits for word cannot be told
   */
  forward(mainPid?: number): Promise<void>;
  close(): void;
}

/**
 * @returns undefined for a container that was created without NOTIFY_SOCKET
 * @throws EffectError; nothing has happened then
 */
export function openNotifier(context: Context, container: Container, address: string): Notifier | undefined {
  const { platform, warn } = context;
  const { local } = platform;
  const { id, root } = container.record;
  const socket = bindNotifySocket(local, `${root}/${id}`);
  if (socket === undefined) return undefined;
  const open = [socket];
  try {
    const host = connectNotifyHost(local, address);
    open.push(host);
    return {
      async forward(mainPid) {
        const pid = container.record.init?.pid ?? 0;
        const pidfd = attempt(local, pidfdOpen(pid));
        try {
          const line = await awaitReady(platform, socket, pidfd < 0 ? undefined : pidfd);
          if (line === undefined || (await tellReady(platform, host, line, mainPid ?? pid))) return;
          warn('Timeout after waiting 30s for barrier. Ignored.');
        } finally {
          attempt(local, close(pidfd));
        }
      },
      close: () => closeAll(local, open.splice(0)),
    };
  } catch (error) {
    closeAll(local, open);
    throw error;
  }
}

/** Until the container's process is ready or gone. Others may work on the container meanwhile: lets go of its lock. */
export async function forwardReady(context: Context, container: Container, notifier: Notifier): Promise<void> {
  container.release();
  try {
    await notifier.forward();
  } catch (error) {
    context.warn(reasonOf(error));
  }
}

/** For `run`, which runc does not let fail by this. */
export function tryNotifier(context: Context, container: Container, address: string): Notifier | undefined {
  try {
    return openNotifier(context, container, address);
  } catch (error) {
    context.warn(reasonOf(error));
    return undefined;
  }
}
