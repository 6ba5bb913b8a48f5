/** The names of the host's users, from /etc/passwd (passwd(5)). */

import { readSmallFile } from '../../effects/paths/proc.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';

const LARGEST_BYTES = 1 << 20;

/** Answers the name of a uid, or `#uid` where it has none. The file is read when the first name is asked for. */
export function userNames(kernel: Kernel): (uid: number) => string {
  let names: ReadonlyMap<string, string> | undefined;
  return (uid) => {
    names ??= namesIn(passwd(kernel));
    return names.get(String(uid)) ?? `#${uid}`;
  };
}

function passwd(kernel: Kernel): string {
  try {
    return readSmallFile(kernel, '/etc/passwd', LARGEST_BYTES);
  } catch {
    return '';
  }
}

/** The names by uid. The first entry of a uid counts. */
export function namesIn(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':');
    if (name !== undefined && name !== '' && uid !== undefined && !names.has(uid)) names.set(uid, name);
  }
  return names;
}
