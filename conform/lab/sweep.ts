/** Cleans up after a sequence, whatever the runtime has left: the container, processes, cgroups, mounts, files. */

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ID } from '../model/steps.ts';
import { command } from './command.ts';
import type { Lab } from './lab.ts';
import { leftovers, mountsIn, processesOf } from './look.ts';
import { endProcess } from './perform.ts';

const PAUSE_MS = 10;

/** @throws Error of one line, if something cannot be removed */
export async function sweep(lab: Lab): Promise<void> {
  if (leftovers(lab).length > 0) {
    await command(lab, ['delete', '--force', ID]);
    await removeAll(lab);
  }
  lab.reset();
}

/** Does without the runtime. */
async function removeAll(lab: Lab): Promise<void> {
  const until = performance.now() + lab.patience;
  while (leftovers(lab).length > 0) {
    // What is frozen does not end.
    lab.cgroup.freeze(false);
    for (const pid of [...lab.cgroup.processes(), ...processesOf(lab)]) endProcess(pid);
    for (const path of mountsIn(lab.folder)) unmount(path);
    lab.cgroup.remove();
    rmSync(join(lab.root, ID), { recursive: true, force: true });
    if (performance.now() > until) throw new Error(`clean up after ${lab.program}: cannot remove ${leftovers(lab)[0]}`);
    await setTimeout(PAUSE_MS);
  }
}

function unmount(path: string): void {
  try {
    execFileSync('umount', ['--lazy', path], { stdio: 'ignore' });
  } catch {
    // The mount may be gone by now.
  }
}
