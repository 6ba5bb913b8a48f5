/**
 * Tells the watcher of a state root what a command does: packets of lines over a Unix socket.
 *
 * The command never waits for the watcher, and never fails by it. What the socket does not take at once is lost, and
 * the watcher is told how much that was. The command reads nothing from it.
 */

import { close } from '../../native/calls/files.ts';
import { sendAtOnce } from '../../native/calls/sockets.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { wideIntegers } from '../store/state-file.ts';
import type { WatcherConnection } from './connect.ts';
import { type Bare, inspection } from './inspection.ts';
import { toldRecord } from './record.ts';
import { type AboutCommand, beginning, ending, lineOf, runName, type WatcherTelling } from './teller.ts';

/** A packet of this size fits into the socket's buffer, of which a part is for the kernel's own bookkeeping. */
const PACKET_BYTES = 60_000;

/** @param connection is closed at the command's end */
export function tellWatcher(kernel: Kernel, connection: WatcherConnection, about: AboutCommand): WatcherTelling {
  const run = runName(about.pid);
  const packets = new Packets(kernel, connection.fd, run);
  const tell = (line: Bare): void => packets.add(JSON.stringify(lineOf(run, line), wideIntegers));
  const record = toldRecord(connection.wantsValues);
  // It is told together with what the command does first.
  packets.keep(JSON.stringify(lineOf(run, beginning(about))));
  return {
    inspect: inspection(tell, {
      tell,
      context: (actor, context) => tell(record(actor, context)),
    }),
    called: (line) => packets.add(JSON.stringify({ ...line, run })),
    warned: (message) => tell({ type: 'warning', message }),
    dropped: () => packets.close(),
    ended(status, error, failure) {
      tell(ending(status, error, failure));
      packets.send();
      packets.close();
    },
  };
}

/** What waits to be sent. One packet has all lines that one step of the machine gives rise to. */
class Packets {
  readonly #kernel: Kernel;
  readonly #fd: Fd;
  readonly #run: string;
  #lines: string[] = [];
  #bytes = 0;
  #lost = 0;
  #isScheduled = false;
  #isClosed = false;

  constructor(kernel: Kernel, fd: Fd, run: string) {
    this.#kernel = kernel;
    this.#fd = fd;
    this.#run = run;
  }

  /** Sends a line together with the next one. */
  keep(line: string): void {
    if (this.#bytes + line.length > PACKET_BYTES) this.send();
    this.#lines.push(line);
    this.#bytes += line.length + 1;
  }

  add(line: string): void {
    if (this.#isClosed) return;
    this.keep(line);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.send());
  }

  send(): void {
    this.#isScheduled = false;
    if (this.#lines.length === 0 || this.#isClosed) return;
    const lines = this.#lost === 0 ? this.#lines : [this.#lostLine(), ...this.#lines];
    const packet = new TextEncoder().encode(lines.join('\n'));
    const sent = attempt(this.#kernel, sendAtOnce(this.#fd, packet));
    if (sent >= 0) this.#lost = 0;
    else if (sent === -ERRNO.EAGAIN || sent === -ERRNO.EMSGSIZE || sent === -ERRNO.EINTR)
      this.#lost += this.#lines.length;
    else this.close();
    this.#lines = [];
    this.#bytes = 0;
  }

  #lostLine(): string {
    return JSON.stringify(lineOf(this.#run, { type: 'lost', count: this.#lost }));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    attempt(this.#kernel, close(this.#fd));
  }
}
