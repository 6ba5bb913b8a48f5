/** Words for a mount step that failed. */

import { read } from '../../native/calls/files.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, type SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { reasonOf } from '../error.ts';
import type { MountStep } from './steps.ts';

/** What the step was to do, for the beginning of a message. */
export function describe(step: MountStep): string {
  if (step.step === 'filesystem') return `mount ${step.type} on ${step.at}`;
  if (step.step === 'bind') return `bind ${step.source} on ${step.at}`;
  if (step.step === 'remount') return `remount ${step.at}`;
  if (step.step === 'symlink') return `link ${step.at} to ${step.target}`;
  return `set the attributes of the mount on ${step.at}`;
}

/** Why a call of a step failed. The kernel has one errno for many things that can be wrong with a mount. */
export function reasonOfStep(step: MountStep, error: SyscallError): string {
  const { call, code } = error;
  const reason = reasonOf(error);
  if (step.step === 'bind' && step.placeholder === 'file' && call.name === 'move_mount' && code === 'EINVAL')
    return `${reason} (the destination is a directory, the source is not)`;
  if (step.step === 'bind' && call.name === 'mount_setattr' && code === 'EPERM')
    return `${reason} (flags that the source has are locked in the container's user namespace: they cannot be cleared)`;
  if (
    step.step === 'filesystem' &&
    step.ordinary &&
    call.name === 'openat2' &&
    (code === 'ELOOP' || code === 'ENOTDIR')
  )
    return `${reason} (filesystem ${JSON.stringify(step.type)} must be mounted on ordinary directory)`;
  return reason;
}

/**
 * What the file system itself says about a failure (fsconfig(2), "Caveats"): ` (tmpfs: Unknown parameter 'x')`, or an
 * empty text.
 * @param from the step's first call in the batch
 */
export function complaint(kernel: Kernel, batch: Batch, results: readonly number[], from: number): string {
  const fd = results.find((_, i) => i >= from && ['fsopen', 'fspick'].includes(batch.calls[i]?.name ?? ''));
  if (fd === undefined || fd < 0) return '';
  const message = out(1024);
  const length = attempt(kernel, read(fd, message));
  // A letter and a space come first, which tell errors from warnings.
  return length > 2 ? ` (${new TextDecoder().decode(message.bytes.subarray(2, length)).trim()})` : '';
}
