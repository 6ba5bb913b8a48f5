/** Does work with a connection to systemd that is closed afterwards. */

import type { Systemd } from './manager.ts';

/** Makes the connection to systemd when it is needed (connect.ts). Whoever asks for one closes it. */
export type Connect = () => Systemd | Promise<Systemd>;

/** Does work that needs systemd once. @throws BusError, and what the work throws */
export async function withSystemd(connect: Connect, work: (systemd: Systemd) => void): Promise<void> {
  const systemd = await connect();
  try {
    work(systemd);
  } finally {
    systemd.close();
  }
}
