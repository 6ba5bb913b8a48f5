/** Reads a line that came from another process or from a file. Whoever wrote it may have written anything. Pure. */

import type { Line } from '../../spec/watch/lines.ts';

/** The members that must be there for each type of line, and their types. */
const MEMBERS: Readonly<Record<Line['type'], Readonly<Record<string, string>>>> = {
  command: { command: 'string', pid: 'number', version: 'string', format: 'number' },
  state: { id: 'string', state: 'string' },
  call: { who: 'string', batch: 'number', call: 'string', args: 'array' },
  warning: { message: 'string' },
  failure: { id: 'string', during: 'string', message: 'string' },
  end: {},
  request: { id: 'string', request: 'string' },
  actor: { actor: 'string', id: 'string', src: 'string', status: 'string' },
  event: { actor: 'string', event: 'object' },
  snapshot: { actor: 'string', event: 'object', status: 'string' },
  record: { actor: 'string', id: 'string', record: 'object' },
  lost: { count: 'number' },
};

/** The members that may be missing. */
const OPTIONAL: Readonly<Record<string, string>> = {
  root: 'string',
  id: 'string',
  traceparent: 'string',
  pid: 'number',
  errno: 'string',
  seconds: 'number',
  code: 'string',
  error: 'string',
  parent: 'string',
  from: 'string',
  failure: 'object',
};

const STATUSES = ['creating', 'created', 'running', 'paused', 'stopped'];

/** A line is not longer than this, in characters. */
export const LONGEST_LINE = 256 * 1024;

/** @returns undefined for what is no line */
export function readLine(text: string): Line | undefined {
  if (text.length > LONGEST_LINE) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isLine(value) ? value : undefined;
}

export function isLine(value: unknown): value is Line {
  if (!isMembers(value)) return false;
  const { type, at, run } = value;
  if (typeof type !== 'string' || !isTime(at) || typeof run !== 'string') return false;
  const members = Object.hasOwn(MEMBERS, type) ? MEMBERS[type as Line['type']] : undefined;
  if (members === undefined) return false;
  for (const [name, kind] of Object.entries(members)) if (kindOf(value[name]) !== kind) return false;
  for (const [name, kind] of Object.entries(OPTIONAL))
    if (value[name] !== undefined && kindOf(value[name]) !== kind) return false;
  if (type === 'state') return value.status === null || STATUSES.includes(String(value.status));
  if (type === 'event' || type === 'snapshot') return isMembers(value.event) && typeof value.event.type === 'string';
  return type !== 'end' || value.status === undefined || typeof value.status === 'number';
}

/** A time that a date can be made of. */
const isTime = (value: unknown): boolean => typeof value === 'number' && Math.abs(value) < 8.64e12;

const kindOf = (value: unknown): string => {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
};

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> => kindOf(value) === 'object';
