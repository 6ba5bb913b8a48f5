/** How the stage comes into namespaces that exist already. */

import { close, openat } from '../../native/calls/files.ts';
import { setgroups, setns, setresgid, setresuid } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import { PartedBatch } from '../batch.ts';
import { EffectError, reasonOf } from '../error.ts';
import { NAMESPACE_FLAGS, type NamespacePlan } from './plan.ts';

type Joined = NamespacePlan['joined'];

/** NONBLOCK: if the path leads to a fifo, opening it would wait for a writer. */
const open = (path: string): Call<Fd> => openat(AT.FDCWD, path, O.RDONLY | O.NONBLOCK);
const words = ({ type, path }: Joined[number]): string => `join the ${type} namespace ${path}`;

/** Adds the calls. All are opened before one is joined: in a joined mount namespace the paths lead elsewhere. */
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
 * Joins namespaces among which there is a user namespace. The others are joined first, while the stage has the
 * runtime's own rights: they may belong to anybody. One for which those rights do not suffice may belong to the user
 * namespace. It is joined after that.
 * @throws EffectError
 */
export function joinWithUser(stage: Kernel, joined: Joined): void {
  const opened = openAll(stage, joined);
  const users = opened.filter(({ type }) => type === 'user');
  const denied = joinPermitted(
    stage,
    opened.filter(({ type }) => type !== 'user'),
  );
  const batch = new PartedBatch();
  for (const user of users) {
    batch.add(setns(user.fd, NAMESPACE_FLAGS.user));
    batch.part(words(user));
    // If the namespace's maker has forbidden setgroups(2), the groups stay as they are.
    batch.try(setgroups([]));
    batch.add(setresgid(0));
    batch.add(setresuid(0));
    batch.part(`become root in the user namespace ${user.path}`);
  }
  for (const namespace of denied) {
    batch.add(setns(namespace.fd, NAMESPACE_FLAGS[namespace.type]));
    batch.part(words(namespace));
  }
  for (const { fd } of opened) batch.add(close(fd));
  batch.perform(stage);
}

type Opened = Joined[number] & { readonly fd: Fd };

/** @throws EffectError */
function openAll(stage: Kernel, joined: Joined): readonly Opened[] {
  const batch = new PartedBatch();
  const opening = joined.map((namespace) => {
    const file = batch.add(open(namespace.path));
    batch.part(words(namespace));
    return { namespace, file };
  });
  const results = batch.perform(stage);
  return opening.map(({ namespace, file }) => ({ ...namespace, fd: resultOf(results, file) }));
}

/** Joins those that it may. @returns the others, which need more rights. @throws EffectError */
function joinPermitted(stage: Kernel, namespaces: readonly Opened[]): readonly Opened[] {
  const batch = new Batch();
  const joining = namespaces.map((namespace) => ({
    namespace,
    joined: batch.try(setns(namespace.fd, NAMESPACE_FLAGS[namespace.type])),
  }));
  const { results } = stage.submit(batch.calls);
  return joining.flatMap(({ namespace, joined }) => {
    const errno = -resultOf(results, joined);
    if (errno <= 0) return [];
    if (errno === ERRNO.EPERM) return [namespace];
    const error = new SyscallError(setns(namespace.fd, 0), errno);
    throw new EffectError(`${words(namespace)}: ${reasonOf(error)}`, { cause: error });
  });
}
