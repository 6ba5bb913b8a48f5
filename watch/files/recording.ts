/** Recordings and traces: files of lines. A recording holds what a watcher heard, a trace what one command wrote. */

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { Line } from '../../spec/watch/lines.ts';
import { LONGEST_LINE, readLine } from '../heard/read-line.ts';

/** Secrets may be in it, with `--with-values`. */
const OWNERS_ALONE = 0o600;
const CHUNK_BYTES = 1024 * 1024;
/** As many lines as a run of some thousand commands has. A program that reads more must read it itself. */
const MOST_LINES = 2_000_000;

export interface Recorder {
  write(lines: readonly Line[]): void;
  close(): void;
}

/**
 * Appends to a recording, and makes it where there is none.
 * @param onFailure hears, once, why nothing can be written any more
 * @throws Error of one line where it cannot be opened
 */
export function openRecorder(file: string, onFailure: (message: string) => void): Recorder {
  const fd = naming(`open the recording ${file}`, () => openSync(file, 'a', OWNERS_ALONE));
  let hasFailed = false;
  return {
    write(lines) {
      if (hasFailed) return;
      try {
        writeSync(fd, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      } catch (error) {
        hasFailed = true;
        onFailure(`write the recording ${file}: ${messageOf(error)}: the rest is not recorded`);
      }
    },
    close: () => closeSync(fd),
  };
}

/**
 * @returns the lines of a recording or a trace, and how many of the file's lines are none
 * @throws Error of one line where the file cannot be read, or does not begin as these files do
 */
export function readRecording(file: string): { readonly lines: readonly Line[]; readonly others: number } {
  const lines: Line[] = [];
  let others = 0;
  for (const text of textLines(file)) {
    const line = readLine(text);
    if (line !== undefined) lines.push(line);
    else if (lines.length === 0) throw notOne(file, `line ${others + 1} is not one of theirs`);
    else others++;
    if (lines.length > MOST_LINES) throw notOne(file, `it has more than ${MOST_LINES} lines`);
  }
  if (lines.length === 0) throw notOne(file, 'it is empty');
  return { lines, others };
}

const notOne = (file: string, why: string): Error => new Error(`${file} is no recording and no trace.jsonl: ${why}`);

/** The lines of a text file. One that is too long for a line of ours comes cut, and is read no further. */
function* textLines(file: string): Generator<string> {
  const fd = naming(`open ${file}`, () => openSync(file, 'r'));
  try {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(CHUNK_BYTES);
    let rest = '';
    for (;;) {
      const size = naming(`read ${file}`, () => readSync(fd, chunk));
      rest += decoder.decode(chunk.subarray(0, size), { stream: size > 0 });
      const texts = rest.split('\n');
      rest = texts.pop() ?? '';
      yield* texts;
      if (rest.length > LONGEST_LINE * 4) throw notOne(file, 'a line of it is longer than theirs are');
      if (size === 0) break;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(fd);
  }
}

function naming<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** `ENOENT: no such file or directory`, without the call and the path that Node adds. */
const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message.replace(/, \w+( '.*')?( -> '.*')?$/, '') : String(error);
