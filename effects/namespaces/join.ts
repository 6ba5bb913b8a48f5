/** How the stage comes to be in namespaces that are there already. */

import { close, openat } from '../../native/calls/files.ts';
import { setgroups, setns, setresgid, setresuid } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import { PartedBatch } from '../batch.ts';
import { EffectError, reasonOf } from '../error.ts';
import { NAMESPACE_FLAGS, type NamespacePlan } from './plan.ts';

type Joined = NamespacePlan['joined'];

/** Not blocking: a fifo in its place would keep us waiting for its writer. */
const open = (path: string): Call => openat(AT.FDCWD, path, O.RDONLY | O.NONBLOCK);
const words = ({ type, path }: Joined[number]): string => `join the ${type} namespace ${path}`;

/** Adds: all are opened before one is joined, since in a joined mount namespace the paths lead elsewhere. */
export function addJoins(batch: PartedBatch, joined: Joined): void {
  const opened = joined.map((namespace) => {
    const fd = batch.add(open(namespace.path));
    batch.part(words(namespace));
    return { ...namespace, fd };
  });
  for (const { fd, ...namespace } of opened) {
    batch.add(setns(fd, NAMESPACE_FLAGS[namespace.type]));
    batch.add(close(fd));
    batch.part(words(namespace));
  }
}

/**
 * The same where a user namespace is among them. The others are joined first, while the runtime's own rights are there:
 * they may belong to anybody. What those don't suffice for may belong to the user namespace, and is joined after it.
 * @throws EffectError
 */
export function joinWithUser(stage: Kernel, joined: Joined): void {
  const opening = new PartedBatch();
  for (const namespace of joined) {
    opening.add(open(namespace.path));
    opening.part(words(namespace));
  }
  const fds = opening.perform(stage);
  const opened = joined.map((namespace, i) => ({ ...namespace, fd: fds[i] ?? -1 }));
  const user = opened.filter(({ type }) => type === 'user');
  const others = opened.filter(({ type }) => type !== 'user');

  const joining = others.map(({ fd, type }): Call => ({ ...setns(fd, NAMESPACE_FLAGS[type]), mayFail: true }));
  const { results } = stage.submit(joining);
  const denied = others.filter((namespace, i) => {
    const errno = -(results[i] ?? 0);
    if (errno > 0 && errno !== ERRNO.EPERM) {
      const error = new SyscallError(setns(namespace.fd, 0), errno);
      throw new EffectError(`${words(namespace)}: ${reasonOf(error)}`, { cause: error });
    }
    return errno > 0;
  });

  const batch = new PartedBatch();
  for (const { fd, ...namespace } of user) {
    batch.add(setns(fd, NAMESPACE_FLAGS.user));
    batch.part(words(namespace));
    // Where the namespace's maker has forbidden it, they stay as they are.
    batch.try(setgroups([]));
    batch.add(setresgid(0));
    batch.add(setresuid(0));
    batch.part(`become root in the user namespace ${namespace.path}`);
  }
  for (const { fd, ...namespace } of denied) {
    batch.add(setns(fd, NAMESPACE_FLAGS[namespace.type]));
    batch.part(words(namespace));
  }
  for (const { fd } of opened) batch.add(close(fd));
  batch.perform(stage);
}
