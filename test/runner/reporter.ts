/**
 * A reporter for `node --test`. It writes what happened as lines of JSON to descriptor 3, for the process that counts
 * and prints (test/run.ts). Standard output belongs to the tests.
 */
import { writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';

/**
 * A test or suite began, ended, or printed something. These come file after file, even if files run at the same time.
 */
export type Report =
  | { readonly kind: 'start'; readonly name: string; readonly nesting: number; readonly file: string }
  | {
      readonly kind: 'end';
      readonly name: string;
      readonly nesting: number;
      readonly file: string;
      /** The test file, if the test is written in another one. */
      readonly entry?: string;
      readonly line: number;
      readonly suite: boolean;
      readonly ms: number;
      /** The reason why it did not run; empty if none was given. */
      readonly skipped?: string;
      /** What went wrong, for people to read. */
      readonly failure?: string;
    }
  | { readonly kind: 'output'; readonly file: string; readonly text: string }
  | Sign;

/** A sign of life, which comes at once: a test, or a whole file, begins or ends just now. */
export interface Sign {
  readonly kind: 'sign';
  /** The test file. */
  readonly file: string;
  /** The test; empty for the whole file. */
  readonly name: string;
  readonly ended: boolean;
}

/** Whether it says that a whole file has ended. */
export const isEndOfFile = (report: Report): boolean => report.kind === 'sign' && report.ended && report.name === '';

interface Event {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    /** Where the test is written: in the test file, or in one that it imports. */
    readonly file?: string;
    /** The test file; absent if it is reported itself. */
    readonly entryFile?: string;
    readonly line?: number;
    readonly message?: string;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly details?: { readonly type?: string; readonly duration_ms?: number; readonly error?: Error };
  };
}

// biome-ignore lint/correctness/useYield: a reporter is a generator, but this one writes nothing to standard output
export default async function* reporter(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const event of events) {
    const report = reportOf(event);
    if (report !== undefined) writeSync(3, `${JSON.stringify(report)}\n`);
  }
}

function reportOf({ type, data }: Event): Report | undefined {
  const { name = '', nesting = 0, file = '', entryFile = file, line = 0, details = {} } = data;
  switch (type) {
    case 'test:start':
      return { kind: 'start', name, nesting, file };
    case 'test:pass':
    case 'test:fail': {
      const skipped = reasonOf(data.skip) ?? reasonOf(data.todo);
      return {
        kind: 'end',
        name,
        nesting,
        file,
        ...(entryFile === file ? {} : { entry: entryFile }),
        line,
        suite: details.type === 'suite',
        ms: details.duration_ms ?? 0,
        ...(skipped === undefined ? {} : { skipped }),
        ...(type === 'test:fail' && skipped === undefined ? { failure: failureOf(details.error) } : {}),
      };
    }
    case 'test:dequeue':
    case 'test:complete':
      return signOf(type, data);
    case 'test:stdout':
    case 'test:stderr':
      return { kind: 'output', file, text: data.message ?? '' };
    default:
      return undefined;
  }
}

/** @param type `test:dequeue` before a test runs, `test:complete` after it */
export function signOf(type: string, { name = '', nesting, file = '', entryFile = file }: Event['data']): Sign {
  const isWhole = nesting === 0 && resolve(name) === entryFile;
  return { kind: 'sign', file: entryFile, name: isWhole ? '' : name, ended: type === 'test:complete' };
}

function reasonOf(mark: string | boolean | undefined): string | undefined {
  if (mark === undefined || mark === false) return undefined;
  return mark === true ? '' : mark;
}

/** Node's runner wraps what a test threw, or how a file's process ended, into an error of its own. */
function failureOf(error: (Error & { exitCode?: unknown; signal?: unknown }) | undefined): string {
  if (error?.signal) return `the process was ended by ${error.signal}`;
  if (error?.exitCode) return `the process ended with status ${error.exitCode}`;
  const thrown = error?.cause ?? error;
  return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 4 });
}
