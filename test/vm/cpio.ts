/**
 * Makes an archive in the "newc" format, which the kernel unpacks as its first root file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 */

export interface Entry {
  /** The path from the root, without a leading slash. */
  readonly path: string;
  /** The type and the permissions, as in stat. */
  readonly mode: number;
  readonly data?: Uint8Array;
}

/** @returns the archive; everything belongs to root */
export function cpio(entries: readonly Entry[]): Uint8Array {
  const chunks = [...entries, { path: 'TRAILER!!!', mode: 0 }].flatMap((entry, i) => record(entry, i + 1));
  return Buffer.concat(chunks);
}

function record({ path, mode, data = new Uint8Array() }: Entry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const [links, size] = [1, data.length];
  const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [padded(Buffer.concat([header, name])), padded(data)];
}

const padded = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
