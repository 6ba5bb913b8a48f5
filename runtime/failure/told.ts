/** The story of a failure, for people: what was done, what failed, why, and what to do. Pure. */

import { ERRNO, errnoText } from '../../native/constants/errno.ts';
import { PHASES } from '../../spec/record.ts';
import type { KeptFailure } from './kept.ts';

const LABEL_WIDTH = 12;

/** @param now in milliseconds since 1970. @returns several lines, each with its newline */
export function told(failure: KeptFailure, now: number): string {
  const { id, command, time, message, bundle, cause } = failure;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['error', message],
    ['bundle', bundle],
    ['phase', phaseOf(failure)],
    ['call', callOf(failure)],
    ['path', failure.path],
    ['cause', cause ?? 'nothing more is known than the error says'],
    ['what to do', adviceFor(failure)],
  ];
  const lines = rows.flatMap(([label, text]) => (text ? [`  ${label.padEnd(LABEL_WIDTH)}${plain(text)}\n`] : []));
  const title = `container ${id}: ${command} failed ${ago(Date.parse(time), now)} (${time})`;
  return `${plain(title)}\n${lines.join('')}`;
}

/** A line for each failure: `2026-11-30T19:10:56Z  create  c1  …`. */
export function toldBriefly(failures: readonly KeptFailure[]): string {
  const longest = Math.max(0, ...failures.map(({ id }) => id.length));
  return failures
    .map(({ id, command, time, message }) =>
      plain(`${time}  ${id.padEnd(Math.min(longest, 40))}  ${command.padEnd(7)}  ${message}`),
    )
    .map((line) => `${line}\n`)
    .join('');
}

const NAMES: readonly string[] = PHASES;

/** `mounts (done before: cgroup, namespaces)`. */
function phaseOf({ phase }: KeptFailure): string | undefined {
  if (phase === undefined) return undefined;
  const at = NAMES.indexOf(phase.replace(/ hooks$/, 'Hooks'));
  const before = NAMES.slice(0, Math.max(0, at)).filter((name) => !name.endsWith('Hooks'));
  return before.length === 0 ? phase : `${phase} (done before: ${before.join(', ')})`;
}

/** `openat2 answered ENOENT: no such file or directory`. */
function callOf({ syscall, errno }: KeptFailure): string | undefined {
  if (errno === undefined) return syscall;
  const number = Object.entries(ERRNO).find(([name]) => name === errno)?.[1];
  const text = number === undefined ? errno : `${errno}: ${errnoText(number)}`;
  return syscall === undefined ? text : `${syscall} answered ${text}`;
}

/** What helps where no cause was found: to see all calls. */
const adviceFor = ({ advice, command, id }: KeptFailure): string =>
  advice === undefined ? `see what it did: runchart --trace - ${command} … ${id}` : `${advice}.`;

function ago(then: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  if (Number.isNaN(seconds)) return 'at some time';
  const [count, unit] =
    seconds < 120
      ? [seconds, 'second']
      : seconds < 7200
        ? [Math.floor(seconds / 60), 'minute']
        : seconds < 172_800
          ? [Math.floor(seconds / 3600), 'hour']
          : [Math.floor(seconds / 86_400), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}

/** Names come from images and files: none may begin a line, or colour the terminal. */
const plain = (text: string): string =>
  text.replace(/\s*\n\s*/g, '; ').replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    /[\x00-\x1f\x7f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
