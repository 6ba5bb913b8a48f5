/** Carries the program's own streams to a process, and from it. */

import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isErrno } from '../../native/kernel/perform.ts';
import type { Input } from './places.ts';
import type { OutputStream } from './reading.ts';
import type { InputStream } from './writing.ts';

type Fed = Exclude<Input, number | { readonly file: string }>;

/**
 * Has a process read what the program gives. A process that ends, or closes its input, before it has read all is fine.
 * @throws what the program's stream fails with
 */
export async function feed(source: string | Uint8Array | Readable, into: InputStream): Promise<void> {
  if (typeof source === 'string' || source instanceof Uint8Array) {
    into.on('error', () => undefined);
    into.end(source);
    return;
  }
  try {
    await pipeline(source, into);
  } catch (error) {
    if (!isEarlyEnd(error)) throw error;
  }
}

/** @throws what the program's stream fails with */
export async function pump(from: OutputStream, to: Writable | WritableStream): Promise<void> {
  await pipeline(from, to as Writable);
}

/** @throws TypeError for what nobody can read */
export function sourceOf(given: Fed): string | Uint8Array | Readable {
  if (typeof given === 'string' || given instanceof Uint8Array) return given;
  if (given instanceof Readable) return given;
  if (given instanceof ReadableStream) return Readable.fromWeb(given as Parameters<typeof Readable.fromWeb>[0]);
  // A web stream of Bun's has a method of that name.
  if (typeof given === 'object' && given !== null && 'text' in given && typeof given.text === 'string')
    return given.text;
  if (typeof given === 'object' && given !== null && Symbol.asyncIterator in given) return Readable.from(given);
  throw new TypeError('stdin: this is nothing that a process could read');
}

const isEarlyEnd = (error: unknown): boolean =>
  isErrno(error, 'EPIPE') || (error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE');
