/** Open files, and the table of descriptors of a process. */

import { O } from '../../native/constants/files.ts';
import type { DeviceProgram } from './devices.ts';
import { fail } from './failure.ts';
import type { FsContext } from './mount-calls.ts';
import type { Path } from './mounts.ts';
import type { Process } from './processes.ts';
import type { UnixSocket } from './sockets.ts';

/** What a descriptor refers to. Several descriptors may refer to the same. */
export class OpenFile {
  readonly flags: number;
  readonly path: Path | undefined;
  readonly socket: UnixSocket | undefined;
  /** The process of a pidfd. */
  readonly process: Process | undefined;
  readonly program: DeviceProgram | undefined;
  /** For a descriptor of fsopen(2). */
  readonly context: FsContext | undefined;
  offset = 0;
  /** The text of a generated file, as it was when it was read from its beginning. */
  text: Uint8Array | undefined;
  /** How many descriptors, and messages on their way, refer to it. */
  references = 0;

  constructor(
    flags: number,
    what: { path?: Path; socket?: UnixSocket; process?: Process; context?: FsContext; program?: DeviceProgram } = {},
  ) {
    this.flags = flags;
    this.path = what.path;
    this.socket = what.socket;
    this.process = what.process;
    this.context = what.context;
    this.program = what.program;
  }

  get isPath(): boolean {
    return (this.flags & O.PATH) !== 0;
  }

  get isReadable(): boolean {
    return !this.isPath && (this.flags & 3) !== O.WRONLY;
  }

  get isWritable(): boolean {
    return !this.isPath && (this.flags & 3) !== O.RDONLY;
  }

  release(): void {
    if (--this.references > 0) return;
    this.path?.node.locks.delete(this);
    this.socket?.close();
  }

  /** What reports call it. */
  describe(): string {
    if (this.path !== undefined) return this.path.node.path;
    if (this.socket !== undefined) return 'socket';
    if (this.process !== undefined) return `pidfd of ${this.process.pid}`;
    return this.context === undefined ? 'other' : 'fscontext';
  }
}

interface Entry {
  readonly file: OpenFile;
  readonly closeOnExec: boolean;
}

export class Descriptors {
  readonly #table = new Map<number, Entry>();

  find(fd: number): OpenFile | undefined {
    return this.#table.get(fd)?.file;
  }

  get(fd: number): OpenFile {
    return this.find(fd) ?? fail('EBADF');
  }

  entry(fd: number): Entry {
    return this.#table.get(fd) ?? fail('EBADF');
  }

  /** The lowest free number, as the kernel gives it. */
  install(file: OpenFile, closeOnExec: boolean, atLeast = 0): number {
    let fd = atLeast;
    while (this.#table.has(fd)) fd++;
    this.place(fd, file, closeOnExec);
    return fd;
  }

  place(fd: number, file: OpenFile, closeOnExec: boolean): void {
    file.references++;
    const before = this.#table.get(fd);
    this.#table.set(fd, { file, closeOnExec });
    before?.file.release();
  }

  close(fd: number): void {
    const { file } = this.entry(fd);
    this.#table.delete(fd);
    file.release();
  }

  mark(fd: number, closeOnExec: boolean): void {
    this.#table.set(fd, { ...this.entry(fd), closeOnExec });
  }

  numbers(): number[] {
    return [...this.#table.keys()].sort((a, b) => a - b);
  }

  /** A copy, for a forked child. */
  copyTo(other: Descriptors): void {
    for (const [fd, { file, closeOnExec }] of this.#table) other.place(fd, file, closeOnExec);
  }

  closeOnExec(): void {
    for (const [fd, { closeOnExec }] of [...this.#table]) if (closeOnExec) this.close(fd);
  }

  closeAll(): void {
    for (const fd of this.numbers()) this.close(fd);
  }

  has(file: OpenFile): boolean {
    return [...this.#table.values()].some((entry) => entry.file === file);
  }
}
