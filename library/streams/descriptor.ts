/**
 * A descriptor that a stream reads or writes: without blocking, and, where it has to wait, by the thread that waits for
 * everything (native/libraries/poller.ts). Node's own streams do not serve here: Bun takes no pipe as a `net.Socket`,
 * and streams of `fs` block one of the engine's four threads each for as long as nobody writes.
 */

import { fcntl, read, write } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { F, O } from '../../native/constants/files.ts';
import type { Owned } from '../../native/kernel/owned.ts';
import { attempt, call, SyscallError } from '../../native/kernel/perform.ts';
import type { OpenStreams } from './open-streams.ts';

/** How many reads or writes in a row find the other side ready, before the program has a turn. */
const IN_A_ROW = 8;

/** The most that /proc/sys/fs/pipe-max-size allows by default. */
const LARGE_PIPE_BYTES = 1 << 20;

/** What a read finds: bytes, nothing yet, or the end. */
type Found = Uint8Array | 'nothing' | 'end';

export class Descriptor {
  readonly #streams: OpenStreams;
  readonly #owned: Owned;
  readonly #waits = new Set<AbortController>();
  #isClosed = false;
  #inARow = 0;
  #isLarge = false;

  /** @param owned it is made non-blocking: nobody else may have the same open file */
  constructor(streams: OpenStreams, owned: Owned) {
    const { local } = streams.platform;
    this.#streams = streams;
    this.#owned = owned;
    call(local, fcntl(owned.fd, F.SETFL, call(local, fcntl(owned.fd, F.GETFL, 0)) | O.NONBLOCK));
  }

  get fd(): number {
    return this.#owned.fd;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws SyscallError */
  read(): Found {
    const { piece, platform } = this.#streams;
    const one = read(this.#owned.fd, { kind: 'out', bytes: piece });
    const n = attempt(platform.local, one);
    if (n === piece.length) this.#enlarge();
    if (n > 0) return Buffer.from(piece.subarray(0, n));
    if (n === -ERRNO.EAGAIN || n === -ERRNO.EINTR) return 'nothing';
    // A terminal says EIO once nobody has the other side open any more.
    if (n === 0 || n === -ERRNO.EIO) return 'end';
    throw new SyscallError(one, -n);
  }

  /**
   * Whoever fills the pipe while we are away has more room from now on: each way to the thread that waits, and back,
   * moves more. A user without privileges may not have that much: then it stays as it is.
   */
  #enlarge(): void {
    if (this.#isLarge) return;
    this.#isLarge = true;
    attempt(this.#streams.platform.local, fcntl(this.#owned.fd, F.SETPIPE_SZ, LARGE_PIPE_BYTES));
  }

  /** @returns how many bytes were taken: 0 where there is no room. @throws SyscallError */
  write(bytes: Uint8Array): number {
    const one = write(this.#owned.fd, bytes);
    const n = attempt(this.#streams.platform.local, one);
    if (n >= 0) return n;
    if (n === -ERRNO.EAGAIN || n === -ERRNO.EINTR) return 0;
    throw new SyscallError(one, -n);
  }

  /**
   * Waits until there is something to read, or room to write.
   * @returns false where `interrupt` or `close` ended the wait
   */
  async ready(event: number): Promise<boolean> {
    const { platform } = this.#streams;
    const wait = new AbortController();
    this.#waits.add(wait);
    this.#inARow = 0;
    try {
      for (let events = 0; events === 0; )
        [events = 0] = await platform.poll([{ fd: this.#owned.fd, events: event }], -1, wait.signal);
      return !wait.signal.aborted;
    } catch (error) {
      if (wait.signal.aborted) return false;
      throw error;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** Ends the waits that are under way. */
  interrupt(): void {
    for (const wait of this.#waits) wait.abort();
  }

  /** @returns whether the program must have a turn before the next read or write */
  get hasWorkedLong(): boolean {
    this.#inARow = (this.#inARow + 1) % IN_A_ROW;
    return this.#inARow === 0;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.interrupt();
    this.#owned[Symbol.dispose]();
  }
}
