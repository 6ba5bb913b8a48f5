/** Remembers limits before they are changed, to set them again where a change fails. */

import { Batch } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import { type FileWrite, planRead, planWrite, textOf } from '../files.ts';
import type { Limit } from './limit.ts';
import { directoryOf } from './write.ts';

/** Reads the limits that are about to be replaced. @returns a function that sets them again, and never throws */
export function rememberLimits(kernel: Kernel, record: CgroupRecord, limits: readonly Limit[]): () => void {
  const batch = new Batch();
  const reads = limits.flatMap((limit) => {
    const directory = directoryOf(record, limit);
    if (directory === undefined) return [];
    return [limit, ...(limit.otherwise ? [limit.otherwise] : [])].map(({ file, value }) => ({
      write: { file: `${directory}/${file}`, value },
      read: planRead(batch, `${directory}/${file}`),
    }));
  });
  const { results } = kernel.submit(batch.calls);
  const undo = reads.flatMap(({ write, read }) => {
    const text = textOf(read, results);
    const back = typeof text === 'string' ? undoOf(write, text) : undefined;
    return back ? [back] : [];
  });
  return () => {
    // Twice, since limits that depend on each other can be changed in one order only.
    const back = new Batch();
    for (const { file, value } of [...undo.toReversed(), ...undo.toReversed()]) planWrite(back, file, value);
    kernel.submit(back.calls);
  };
}

/** Files with a line for each device: what to write for a device that had no line. */
const RESETS: readonly (readonly [file: RegExp, value: (key: string) => string])[] = [
  [/^blkio\.throttle\./, (key) => `${key} 0`],
  [/^io\.max$/, (key) => `${key} rbps=max wbps=max riops=max wiops=max`],
  [/^blkio\..*weight_device$/, (key) => `${key} 0`],
  [/^io\.(bfq\.)?weight$/, (key) => `${key} default`],
  [/^rdma\.max$/, (key) => `${key} hca_handle=max hca_object=max`],
  [/^net_prio\.ifpriomap$/, (key) => `${key} 0`],
];

/** The write that undoes another one. Pure. @param before the text of the file before that one */
export function undoOf(write: FileWrite, before: string): FileWrite | undefined {
  const name = write.file.slice(write.file.lastIndexOf('/') + 1);
  const { file } = write;
  if (name === 'memory.oom_control') {
    const [, disabled] = /^oom_kill_disable (\d)$/m.exec(before) ?? [];
    return disabled === undefined ? undefined : { file, value: disabled };
  }
  const reset = RESETS.find(([pattern]) => pattern.test(name))?.[1];
  const [key = '', rest] = write.value.split(' ', 2);
  const lines = before.split('\n').filter((line) => line !== '');
  // A weight without a device is the default for all devices.
  if (reset && rest !== undefined)
    return { file, value: lines.find((line) => line.startsWith(`${key} `)) ?? reset(key) };
  const [first = ''] = lines;
  return { file, value: first === '' ? '\n' : first.replace(/^default /, '') };
}
