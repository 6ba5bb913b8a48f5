/** `tmpcopyup`: a tmpfs that begins with the content of the directory that it covers. */

import { O } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { perform } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import { makePlaceholder, openInRoot } from '../paths/in-root.ts';
import { addInstance, addLook, addMoveMount } from './add-step.ts';
import { copyTree } from './copy-tree.ts';
import { describe } from './failure.ts';
import { keepsMode, withMode } from './kept-mode.ts';
import { refuseOnProc } from './proc-guard.ts';
import type { FilesystemStep, MountStep } from './steps.ts';

export const copiesUp = (step: MountStep): step is FilesystemStep =>
  step.step === 'filesystem' && step.copiesUp === true;

/** Attaches the tmpfs once it is complete: until then what it covers can be read. @throws EffectError */
export function copyUp(kernel: Kernel, root: Fd, planned: FilesystemStep): void {
  try {
    const step = keepsMode(planned) ? withMode(kernel, root, planned) : planned;
    makePlaceholder(kernel, root, step.at, 'directory');
    using source = opened(kernel, openInRoot(root, step.at, O.RDONLY | O.DIRECTORY));
    const making = new Batch();
    const instance = addInstance(making, step);
    const made = perform(kernel, making.calls);
    using _filesystem = new Owned(kernel, resultOf(made, instance.fs));
    using copy = new Owned(kernel, resultOf(made, instance.mount));
    copyTree(kernel, source.fd, copy.fd);

    const attaching = new Batch();
    const target = attaching.add(openInRoot(root, step.at, O.PATH | O.DIRECTORY));
    const check = { step, target: addLook(attaching, target), source: undefined };
    addMoveMount(attaching, copy.fd, target, step.propagation);
    perform(kernel, attaching.calls);
    copy.release();
    refuseOnProc(check);
  } catch (error) {
    if (error instanceof EffectError) throw error;
    throw new EffectError(`${describe(planned)}: copy what it covers: ${reasonOf(error)}`, { cause: error });
  }
}
