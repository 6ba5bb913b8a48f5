/** Performs the steps of a sequence. */

import { kill } from 'node:process';
import { argumentsOf, EXEC_STATUS, type Happening, type Single, type Step } from '../model/steps.ts';
import { command, type Ended } from './command.ts';
import type { Lab } from './lab.ts';
import { lookAtKernel } from './look.ts';

const HAPPENED: Ended = { status: 0, stdout: '', stderr: '', hung: false };

/** @returns how each command of the step ended, in its order */
export async function perform(lab: Lab, step: Step): Promise<readonly Ended[]> {
  return 'atOnce' in step
    ? Promise.all(step.atOnce.map((single) => performSingle(lab, single)))
    : [await performSingle(lab, step)];
}

async function performSingle(lab: Lab, step: Single): Promise<Ended> {
  if ('happens' in step) {
    happen(lab, step);
    return HAPPENED;
  }
  return command(lab, argumentsOf(step, lab.bundles) ?? []);
}

function happen(lab: Lab, { happens }: Happening): void {
  switch (happens) {
    case 'exits':
      lab.tellToEnd();
      break;
    case 'killed':
      endProcess(lookAtKernel(lab).init);
      break;
    case 'frozen':
    case 'thawed':
      lab.cgroup.freeze(happens === 'frozen');
      break;
    case 'config changes':
      lab.changeConfig();
  }
}

/** Whether a command did what it was asked for, by its own exit status. */
export const succeeded = (step: Single, { status }: Ended): boolean =>
  status === ('ask' in step && step.ask === 'exec' ? EXEC_STATUS : 0);

export function endProcess(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
