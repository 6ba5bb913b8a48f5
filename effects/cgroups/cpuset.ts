/**
 * Fills v1 cpusets. A new one has neither CPUs nor memory nodes, and takes no process before it has both. What
 * config.json does not say comes from the parent: cpuset(7).
 */

import { Batch } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { LinuxCPU } from '../../spec/types.ts';
import { CgroupFileError } from './error.ts';
import { planRead, textOf, writeText } from './files.ts';

const FILES = ['cpus', 'mems'] as const;
type Cpuset = Readonly<Record<(typeof FILES)[number], string>>;

/**
 * Sets the container's cpuset, and fills those above it that are still empty.
 * @param made the directories that this creation has made: their cpusets are empty
 * @throws CgroupFileError
 */
export function inheritCpuset(kernel: Kernel, directory: string, cpu: LinuxCPU, made: readonly string[]): void {
  const parent = parentOf(directory);
  const inherited = filled(kernel, parent, made);
  const wanted = { cpus: cpu.cpus, mems: cpu.mems };
  const current = made.includes(directory) ? { cpus: '', mems: '' } : readCpuset(kernel, directory);
  for (const file of FILES) {
    const value = wanted[file] || (current[file] === '' ? inherited[file] : '');
    if (value !== '') writeText(kernel, `${directory}/cpuset.${file}`, value);
  }
}

/** The cpuset of a directory, which it fills from the one above where it is empty. */
function filled(kernel: Kernel, directory: string, made: readonly string[]): Cpuset {
  const current = made.includes(directory) ? { cpus: '', mems: '' } : readCpuset(kernel, directory);
  if (current.cpus !== '' && current.mems !== '') return current;
  const above = filled(kernel, parentOf(directory), made);
  for (const file of FILES) if (current[file] === '') writeText(kernel, `${directory}/cpuset.${file}`, above[file]);
  return { cpus: current.cpus || above.cpus, mems: current.mems || above.mems };
}

function readCpuset(kernel: Kernel, directory: string): Cpuset {
  const batch = new Batch();
  const reads = FILES.map((file) => planRead(batch, `${directory}/cpuset.${file}`));
  const { results } = kernel.submit(batch.calls);
  const [cpus = '', mems = ''] = reads.map((read) => {
    const text = textOf(read, results);
    if (typeof text === 'number') throw new CgroupFileError(`read ${read.path}`, read.path, -text);
    return (text ?? '').trim();
  });
  return { cpus, mems };
}

const parentOf = (directory: string): string => directory.slice(0, directory.lastIndexOf('/'));
