/** What is told of a failure: its line, its facts, its cause, and what to do about it. */

import { causeOf } from '../../effects/causes/cause.ts';
import { formatPath, SpecError } from '../../spec/problem.ts';
import { causesOf, type FailureFacts, factsOf } from './facts.ts';

/** The members that a JSON log, a kept failure and a trace have of a failure, beside its message. */
export interface FailureStory extends FailureFacts {
  /** Why, as a clause: `its interpreter, /lib/ld.so, is missing`. */
  readonly cause?: string;
  /** What to do, as a sentence without its full stop. */
  readonly advice?: string;
  /** Cause and advice for people, as one text. */
  readonly hint?: string;
  /** The message says the cause in words of its own. */
  readonly isSaid?: true;
}

export function storyOf(error: unknown): FailureStory {
  const facts = factsOf(error);
  const cause = causeOf(error);
  if (cause === undefined) return { ...facts, ...storyOfDocument(error), ...storyOfBundle(error) };
  const { why, advice, path, isSaid } = cause;
  return {
    ...facts,
    ...(path !== undefined && { path }),
    cause: why,
    advice,
    hint: `${why}. ${advice}`,
    ...(isSaid && { isSaid }),
  };
}

/** What a trace says of it. The hint is for people: it is the cause and the advice. */
export function factsForPrograms({ hint: _, isSaid: _said, ...facts }: FailureStory): Readonly<Record<string, string>> {
  return facts;
}

/** A config that cannot be used: its own words say where, and why. */
function storyOfDocument(error: unknown): FailureStory {
  const wrong = causesOf(error).find((one) => one instanceof SpecError);
  if (wrong === undefined) return {};
  const place = formatPath(wrong.path);
  const isSysctl = place.startsWith('linux.sysctl') && wrong.reason.includes('not in a separate kernel namespace');
  const advice = isSysctl
    ? 'Set it on the host (sysctl -w), and leave it out of linux.sysctl: all containers share it'
    : `Correct ${place === '' ? wrong.document : `${place} in ${wrong.document}`}`;
  return { phase: 'config', ...said(wrong.reason, advice) };
}

/** A bundle that cannot be used, before anything of the container is made. */
function storyOfBundle(error: unknown): FailureStory {
  const message = error instanceof Error ? error.message : '';
  const [, folder] = /JSON specification file config\.json not found in (.+)$/.exec(message) ?? [];
  if (folder !== undefined)
    return said(
      `there is no config.json in ${folder}`,
      'Name the directory of the bundle (--bundle DIR), or make a config.json there (runchart spec)',
    );
  const [, rootfs] = /invalid rootfs: (.+)$/.exec(message) ?? [];
  if (rootfs === undefined) return {};
  return said(rootfs, 'Correct root.path in config.json: a relative path is taken from the bundle');
}

/** The message has these words itself. */
const said = (cause: string, advice: string): FailureStory => ({
  cause,
  advice,
  hint: `${cause}. ${advice}`,
  isSaid: true,
});

/**
 * What engines look for in the text of an error, to choose an exit status. A cause must not add any of it to an error
 * that has it not.
 */
const ENGINES_READ = [
  /permission denied/i,
  /operation not permitted/i,
  /no such file or directory/i,
  /executable file not found/i,
  /not a directory/i,
  /exec format error/i,
  /device or resource busy/i,
  /already exists/i,
  /does not exist/i,
  /not running/i,
  /already finished/i,
];

/** @returns the line with its cause in brackets behind it, unless the line says that already */
export function withCause(line: string, { cause, isSaid }: FailureStory): string {
  if (cause === undefined || isSaid || line.includes(cause)) return line;
  const misleads = ENGINES_READ.some((words) => words.test(cause) && !words.test(line));
  return misleads ? line : `${line} (${cause})`;
}
