/**
 * A reporter for `node --test`: what happened, as JSON lines on descriptor 3, for the process that counts and prints
 * (test/run.ts). Standard output is the tests' own.
 */
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

/** A test or suite began, ended, or printed something. */
export type Report =
  | { readonly kind: 'start'; readonly name: string; readonly nesting: number; readonly file: string }
  | {
      readonly kind: 'end';
      readonly name: string;
      readonly nesting: number;
      readonly file: string;
      readonly line: number;
      readonly suite: boolean;
      readonly ms: number;
      /** The reason why it did not run; empty when none was given. */
      readonly skipped?: string;
      /** What went wrong, readable. */
      readonly failure?: string;
    }
  | { readonly kind: 'output'; readonly file: string; readonly text: string };

interface Event {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly file?: string;
    readonly line?: number;
    readonly message?: string;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly details?: { readonly type?: string; readonly duration_ms?: number; readonly error?: Error };
  };
}

// biome-ignore lint/correctness/useYield: a reporter is a generator; this one has nothing for standard output
export default async function* reporter(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const event of events) {
    const report = reportOf(event);
    if (report !== undefined) writeSync(3, `${JSON.stringify(report)}\n`);
  }
}

function reportOf({ type, data }: Event): Report | undefined {
  const { name = '', nesting = 0, file = '', line = 0, details = {} } = data;
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
        line,
        suite: details.type === 'suite',
        ms: details.duration_ms ?? 0,
        ...(skipped === undefined ? {} : { skipped }),
        ...(type === 'test:fail' && skipped === undefined ? { failure: failureOf(details.error) } : {}),
      };
    }
    case 'test:stdout':
    case 'test:stderr':
      return { kind: 'output', file, text: data.message ?? '' };
    default:
      return undefined;
  }
}

function reasonOf(mark: string | boolean | undefined): string | undefined {
  if (mark === undefined || mark === false) return undefined;
  return mark === true ? '' : mark;
}

/** The runner wraps what a test threw, or how a file's process ended, into an error of its own. */
function failureOf(error: (Error & { exitCode?: unknown; signal?: unknown }) | undefined): string {
  if (error?.signal) return `the process was ended by ${error.signal}`;
  if (error?.exitCode) return `the process ended with status ${error.exitCode}`;
  const thrown = error?.cause ?? error;
  return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 4 });
}
