import type { Systemd } from './manager.ts';

/** The connection to systemd, made where it is needed: `connect.ts`. Who asks for it closes it. */
export type Connect = () => Systemd | Promise<Systemd>;

/** Work that needs systemd once. @throws BusError, and what the work throws */
export async function withSystemd(connect: Connect, work: (systemd: Systemd) => void): Promise<void> {
  const systemd = await connect();
  try {
    work(systemd);
  } finally {
    systemd.close();
  }
}
