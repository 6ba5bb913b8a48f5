/**
 * What a command does whose environment has NOTIFY_SOCKET: systemd, or an engine in its place, waits to hear that the
 * container is ready.
 */

import { reasonOf } from '../../effects/error.ts';
import { awaitReady, bindNotifySocket, connectNotifyHost, tellReady } from '../../effects/handover/notify.ts';
import { pidfdOpen } from '../../native/calls/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../container/context.ts';

/** The sockets of both sides, made before the container is started. */
interface Notifier {
  /**
   * Waits until the container's process is ready, and hands that on, or until the process is gone. To be called when
   * the process runs.
   * @param mainPid the process to be watched; by default the container's
   * @throws Error, of one line, where whoever waits cannot be told
   */
  forward(mainPid?: Pid): Promise<void>;
  close(): void;
}

/**
 * @returns undefined for a container that was created without NOTIFY_SOCKET
 * @throws EffectError; nothing is open then that was not before
 */
export function openNotifier(context: Context, container: Container, address: string): Notifier | undefined {
  const { platform, warn } = context;
  const { local } = platform;
  const { id, root } = container.record;
  const bound = bindNotifySocket(local, `${root}/${id}`);
  if (bound === undefined) return undefined;
  using sockets = new DisposableStack();
  const socket = sockets.use(new Owned(local, bound)).fd;
  const host = sockets.use(new Owned(local, connectNotifyHost(local, address))).fd;
  const kept = sockets.move();
  return {
    async forward(mainPid) {
      const pid = container.record.init?.pid ?? 0;
      using pidfd = pidfdOf(local, pid);
      const line = await awaitReady(platform, socket, pidfd?.fd);
      if (line === undefined || (await tellReady(platform, host, line, mainPid ?? pid))) return;
      warn('Timeout after waiting 30s for barrier. Ignored.');
    },
    close: () => kept.dispose(),
  };
}

/** @returns undefined for a process that is gone */
function pidfdOf(local: Kernel, pid: Pid): Owned | undefined {
  const pidfd = attempt(local, pidfdOpen(pid));
  return pidfd < 0 ? undefined : new Owned(local, pidfd);
}

/**
 * Waits until the container's process is ready or gone. Lets go of the container's lock: others may work on the
 * container meanwhile.
 */
export async function forwardReady(context: Context, container: Container, notifier: Notifier): Promise<void> {
  container.release();
  try {
    await notifier.forward();
  } catch (error) {
    context.warn(reasonOf(error));
  }
}

/** The same for `run`, where a failure is a warning, as with runc. */
export function tryNotifier(context: Context, container: Container, address: string): Notifier | undefined {
  try {
    return openNotifier(context, container, address);
  } catch (error) {
    context.warn(reasonOf(error));
    return undefined;
  }
}
