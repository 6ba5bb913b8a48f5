/**
 * What the launcher (the client) and a resident engine say to each other: the engine's side of protocol.h, which
 * describes it. Whoever may connect is root, but a message may still come from anything: a wrong one is refused.
 */

import { viewOf } from '../kernel/struct.ts';

export const MAGIC = 0x31524352;
export const HEADER_BYTES = 40;
export const LARGEST_REQUEST = 128 << 10;
export const MOST_PRESERVED = 20;
const STAGED = 1;
const DESCRIPTORS_ALWAYS = 4;
const DESCRIPTORS_OF_STAGE = 2;
export const MOST_DESCRIPTORS = DESCRIPTORS_ALWAYS + DESCRIPTORS_OF_STAGE + MOST_PRESERVED;

/** The engine's answers, each one byte. */
export const ANSWER = { BEGUN: new Uint8Array([0x42]), NOT_SERVED: new Uint8Array([0x4e]) } as const;

/** The numbers of the header, in their order. */
const FIELDS = [
  'magic',
  'size',
  'argvBytes',
  'envBytes',
  'cwdBytes',
  'flags',
  'preserved',
  'body',
  'connection',
  'pid',
] as const;

export interface Request {
  /** Without the program's own name. */
  readonly argv: readonly string[];
  /** The environment, each variable with its NUL. */
  readonly environment: Uint8Array;
  readonly cwd: string;
  /** Whether the ends of a stage come along. */
  readonly staged: boolean;
  /** How many descriptors from 3 on come along. */
  readonly preserved: number;
  /** The client's numbers of its ends of the two sockets. */
  readonly body: number;
  readonly connection: number;
  /** The client's pid, as it sees it. */
  readonly pid: number;
  /** How many descriptors come along. */
  readonly descriptors: number;
}

/** How many bytes a request has, by its header; undefined where that is none. */
export function sizeOfRequest(header: Uint8Array): number | undefined {
  if (header.length < HEADER_BYTES) return undefined;
  const view = viewOf(header);
  const [magic, size] = [view.getUint32(0, true), view.getUint32(4, true)];
  return magic === MAGIC && size >= HEADER_BYTES && size <= LARGEST_REQUEST ? size : undefined;
}

/** Reads a whole request. @returns undefined where it is malformed, or not UTF-8 */
export function readRequest(bytes: Uint8Array): Request | undefined {
  if (sizeOfRequest(bytes) !== bytes.length) return undefined;
  const view = viewOf(bytes);
  const field = (name: (typeof FIELDS)[number]): number => view.getUint32(FIELDS.indexOf(name) * 4, true);
  const [argvBytes, envBytes, cwdBytes, flags] = [
    field('argvBytes'),
    field('envBytes'),
    field('cwdBytes'),
    field('flags'),
  ];
  const preserved = field('preserved');
  if (HEADER_BYTES + argvBytes + envBytes + cwdBytes !== bytes.length || flags & ~STAGED || preserved > MOST_PRESERVED)
    return undefined;
  const argvEnd = HEADER_BYTES + argvBytes;
  const envEnd = argvEnd + envBytes;
  const argv = wordsIn(bytes.subarray(HEADER_BYTES, argvEnd));
  const environment = bytes.subarray(argvEnd, envEnd);
  const cwd = textIn(bytes.subarray(envEnd));
  if (argv === undefined || cwd === undefined || !cwd.startsWith('/') || cwd.includes('\0')) return undefined;
  if (environment.length > 0 && environment.at(-1) !== 0) return undefined;
  const staged = (flags & STAGED) !== 0;
  return {
    argv: argv.slice(1),
    environment,
    cwd,
    staged,
    preserved,
    body: field('body'),
    connection: field('connection'),
    pid: field('pid'),
    descriptors: DESCRIPTORS_ALWAYS + (staged ? DESCRIPTORS_OF_STAGE : 0) + preserved,
  };
}

/** Words that each end in a NUL. */
function wordsIn(bytes: Uint8Array): readonly string[] | undefined {
  if (bytes.at(-1) !== 0) return undefined;
  return textIn(bytes.subarray(0, -1))?.split('\0');
}

/** What is not UTF-8 is left to a command of its own: its engine knows what to make of it. */
function textIn(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
