/** `tmpcopyup`: a tmpfs that begins with the content of the directory that it covers. */

import { close } from '../../native/calls/files.ts';
import { O } from '../../native/constants/files.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import { makePlaceholder, openInRoot } from '../paths/in-root.ts';
import { addAttach, addInstance, addLook } from './add-step.ts';
import { copyTree } from './copy-tree.ts';
import { describe } from './failure.ts';
import { keepsMode, withMode } from './kept-mode.ts';
import { refuseOnProc } from './proc-guard.ts';
import type { FilesystemStep, MountStep } from './steps.ts';

export const copiesUp = (step: MountStep): step is FilesystemStep =>
  step.step === 'filesystem' && step.copiesUp === true;

/** It is attached once it is complete: until then what it covers can be read. @throws EffectError */
export function copyUp(kernel: Kernel, root: number, planned: FilesystemStep): void {
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const step = keepsMode(planned) ? withMode(kernel, root, planned) : planned;
    makePlaceholder(kernel, root, step.at, 'directory');
    const source = keep(call(kernel, openInRoot(root, step.at, O.RDONLY | O.DIRECTORY)));
    const making = new Batch();
    const { fs, mount } = addInstance(making, step);
    const results = perform(kernel, making.calls);
    const [filesystem, copy] = [keep(results[fs.index] ?? -1), results[mount.index] ?? -1];
    opened.push(copy);
    copyTree(kernel, source, copy);

    const attaching = new Batch();
    const target = attaching.add(openInRoot(root, step.at, O.PATH | O.DIRECTORY));
    const placement = { step, target: addLook(attaching, target), source: undefined };
    addAttach(attaching, copy, target, step.propagation);
    perform(kernel, attaching.calls);
    opened.splice(0, opened.length, source, filesystem);
    refuseOnProc(placement);
  } catch (error) {
    if (error instanceof EffectError) throw error;
    throw new EffectError(`${describe(planned)}: copy what it covers: ${reasonOf(error)}`, { cause: error });
  } finally {
    for (const fd of opened) attempt(kernel, close(fd));
  }
}
