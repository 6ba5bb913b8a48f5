/** A container as `state` and `list` show it: runc's members, in runc's order. Pure. */

import type { View } from '../runtime/store/look.ts';
import { wideIntegers } from '../runtime/store/state-file.ts';
import type { PrintedState } from '../spec/types.ts';
import { OCI_VERSION } from '../spec/version.ts';

/** @param owner the name of the owner, which only `list` shows */
export function stateOf({ status, record }: View, owner: string): PrintedState {
  return {
    // This is the version that the state complies with, not the version of the config.
    ociVersion: OCI_VERSION,
    id: record.id,
    pid: status === 'stopped' ? 0 : (record.init?.pid ?? 0),
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(Object.keys(record.annotations).length > 0 && { annotations: sorted(record.annotations) }),
    owner,
  };
}

/** Go prints maps in the order of their keys. */
const sorted = (map: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Encodes JSON as Go does, which also escapes characters that mean something in HTML. */
export const goJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, wideIntegers, indent).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const HEADER = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];
const LEAST_WIDTH = 12;
const GAP = 3;

/** A table with columns as Go's tabwriter makes them with runc's settings. The last column is not padded. */
export function table(states: readonly PrintedState[]): string {
  const rows = [
    HEADER,
    ...states.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner]),
  ];
  const widths = HEADER.map((_, column) =>
    Math.max(LEAST_WIDTH, ...rows.map((row) => [...(row[column] ?? '')].length + GAP)),
  );
  return rows.map((row) => `${row.map((cell, i) => filled(cell, i, widths)).join('')}\n`).join('');
}

function filled(cell: string, column: number, widths: readonly number[]): string {
  if (column === HEADER.length - 1) return cell;
  return cell + ' '.repeat((widths[column] ?? 0) - [...cell].length);
}
