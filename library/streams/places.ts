/** Where a process's input comes from, and where its output goes. */

import type { Readable, Writable } from 'node:stream';

/** What a process reads as its standard input. */
export type Input =
  /** A stream of ours, `stdin`, to write to. */
  | 'pipe'
  /** The program's own. */
  | 'inherit'
  /** Nothing: it ends at once. */
  | 'ignore'
  /** Any other text is what the process reads. Text that comes from elsewhere is better given as `{ text }`. */
  | (string & {})
  | { readonly text: string }
  | Uint8Array
  /** A descriptor of the program's. It stays open. */
  | number
  /** A path. */
  | { readonly file: string }
  | Readable
  | ReadableStream
  | AsyncIterable<string | Uint8Array>;

/** Where a process's standard output or error goes. */
export type Output =
  /** To a stream of ours, `stdout` or `stderr`; or to the result. */
  | 'pipe'
  | 'inherit'
  | 'ignore'
  | number
  /** A path. The file is made, and emptied unless `append` is set. */
  | { readonly file: string; readonly append?: boolean }
  | Writable
  | WritableStream;

/** Where standard error goes: also to wherever standard output goes, in the order in which both are written. */
export type ErrorOutput = Output | 'stdout';
