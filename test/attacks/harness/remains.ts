/** What a try has left behind: found by names, and by being nobody else's child. And how it is done away with. */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { children, processLine } from '../../integration/chaos/remains.ts';
import { namesIn } from '../../integration/gone-meanwhile.ts';
import { hostMounts } from '../../integration/mountinfo.ts';
import { remains } from '../../integration/nothing-left.ts';
import { PATIENCE } from '../../integration/patience.ts';

export interface Where {
  readonly prefix: string;
  readonly folder: string;
  /** State roots. */
  readonly roots: readonly string[];
  readonly spared: ReadonlySet<number>;
}

const PATIENCE_MS = 20_000 * PATIENCE;

/** Removes all that a try has made. @returns what should not have been there any more, as one finding; or nothing */
export async function clearUp(where: Where): Promise<readonly string[]> {
  const { folder, roots } = where;
  // The cache of compiled filters is meant to stay.
  for (const root of roots)
    for (const kept of ['@seccomp', '@failures.jsonl']) rmSync(join(root, kept), { recursive: true, force: true });
  const found = await leftAtLast(where);
  if (found.length > 0) await sweep(where);
  // Through a mount, removal would reach what is mounted.
  if (hostMounts(folder).some(({ point }) => point.startsWith(`${folder}/`)))
    throw new Error(`a mount below ${folder} can't be removed: whatever else is there is left alone`);
  rmSync(folder, { recursive: true });
  return found.length > 0 ? [`left behind: ${found.join(', ')}`] : [];
}

/** @returns a line for each process, cgroup, mount and container that is there still, after a while */
async function leftAtLast(where: Where, milliseconds = PATIENCE_MS): Promise<readonly string[]> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const found = left(where);
    if (found.length === 0 || performance.now() > end) return found;
    await setTimeout(20);
  }
}

function left({ prefix, folder, roots, spared }: Where): readonly string[] {
  const orphans = children().filter((pid) => !spared.has(pid));
  const kept = roots.flatMap((root) => namesIn(root).map((name) => `container ${root}/${name}`));
  return [...new Set([...remains(prefix, folder), ...kept, ...orphans.flatMap(processLine)])];
}

/** Removes what should not be there. Once it is reported, the next try is not to stumble over it. */
async function sweep(where: Where): Promise<void> {
  for (let times = 0; times < 20; times++) {
    const found = left(where);
    if (found.length === 0) return;
    for (const line of found) {
      const [kind, what = ''] = line.split(/[ :]/, 2);
      if (kind === 'process') end(Number(what));
      if (kind === 'mount') spawnSync('umount', ['--lazy', line.slice('mount '.length)]);
      if (kind === 'cgroup') uproot(line.slice('cgroup '.length));
    }
    await leftAtLast(where, 100);
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** By find, which goes by descriptors: paths may be longer than a path can be. */
function uproot(cgroup: string): void {
  const thaw =
    'echo THAWED > freezer.state; echo 0 > cgroup.freeze; for pid in $(cat cgroup.procs); do kill -9 $pid; done';
  const silent = { stdio: 'ignore' } as const;
  spawnSync('find', [cgroup, '-type', 'd', '-execdir', 'sh', '-c', `cd "$1" && { ${thaw}; }`, 'sh', '{}', ';'], silent);
  spawnSync('find', [cgroup, '-depth', '-type', 'd', '-delete'], silent);
}
