/** The environment that the command was called with, byte for byte. Programs inherit it: hooks, criu, ps. */

import { readDataFile } from '../../native/calls/data-file.ts';
import type { Variable } from '../../native/calls/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import type { Host } from './host.ts';

/** @throws SyscallError where the launcher could not keep it */
export function environmentOf(
  { env, environment, environmentFile }: Pick<Host, 'env' | 'environment' | 'environmentFile'>,
  local: Kernel,
): readonly Variable[] {
  if (environment !== undefined) return inherited(environment);
  if (environmentFile === undefined) return Object.entries(env).map(([name, value = '']) => `${name}=${value}`);
  if (environmentFile < 0)
    throw new SyscallError({ name: 'memfd_create', args: ['runchart-environment', 0] }, -environmentFile);
  return inherited(readDataFile(local, environmentFile, Number.POSITIVE_INFINITY));
}

/**
 * Splits an environment into variables, and keeps those that runc (Go) hands on, in order: no empty entry, and of
 * several with the same name the first.
 */
export function inherited(environment: Uint8Array): readonly Variable[] {
  const latin1 = new TextDecoder('latin1');
  // `ignoreBOM` keeps a byte order mark.
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const names = new Set<string>();
  const variables: Variable[] = [];
  for (let start = 0, end = 0; start < environment.length; start = end) {
    end = environment.indexOf(0, start) + 1;
    const bytes = environment.subarray(start, end);
    const equals = bytes.indexOf(EQUALS);
    if (equals >= 0) {
      // Names need not be UTF-8. Latin-1 makes one character of each byte.
      const name = latin1.decode(bytes.subarray(0, equals));
      if (names.has(name)) continue;
      names.add(name);
    }
    if (bytes.length > 1) variables.push(decoded(utf8, bytes));
  }
  return variables;
}

const EQUALS = 61;

function decoded(utf8: TextDecoder, bytes: Uint8Array): Variable {
  try {
    return utf8.decode(bytes.subarray(0, -1));
  } catch {
    return bytes;
  }
}
