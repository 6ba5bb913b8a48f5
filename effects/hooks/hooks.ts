/** The hooks of config.md, "POSIX-platform Hooks": when each kind runs is the machine's to know, where is told here. */

import { close, fchdir } from '../../native/calls/files.ts';
import type { Variable } from '../../native/calls/process.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import type { ContainerRecord, HookKind } from '../../spec/record.ts';
import { openInit } from '../running/observe.ts';
import { connectedInit, type Session } from '../session.ts';
import { hookState, planHooks } from './plan.ts';
import { runAll, runInOrder } from './run.ts';
import { besideRuntime, inContainer } from './start.ts';

/**
 * All kinds but startContainer.
 * @param env the runtime's environment, for hooks that say nothing of theirs
 * @throws EffectError; for poststop once all hooks have run, and then it is a warning only
 */
export async function runHooks(
  session: Session,
  record: ContainerRecord,
  kind: Exclude<HookKind, 'startContainer'>,
  env: readonly Variable[],
): Promise<void> {
  const { platform } = session;
  const hooks = planHooks(record.config.hooks, kind, env);
  if (hooks.length === 0) return;
  if (kind === 'createContainer') {
    const { kernel: init, root } = connectedInit(session);
    // With the rootfs as the current directory, as runc has it. The tree is the host's still: pivot_root is to come.
    const before = () => (root === undefined ? [] : [fchdir(root)]);
    const start = inContainer(session, { init, preserveFds: session.inheritance.preserveFds, before });
    await runInOrder(platform, hooks, hookState(record, kind, pidOf(init)), start);
  } else if (kind === 'poststop') {
    // The bundle may be gone by now.
    await runAll(platform, hooks, hookState(record, kind, undefined), besideRuntime(session, undefined));
  } else {
    const state = hookState(record, kind, record.init?.pid);
    const start = besideRuntime(session, record.bundle);
    // The process of a started container may end while its poststart hooks run: they run on.
    const init =
      kind === 'createRuntime' && record.init !== undefined ? openInit(platform.local, record.init) : undefined;
    try {
      await runInOrder(platform, hooks, state, start, init);
    } finally {
      if (init !== undefined) attempt(platform.local, close(init));
    }
  }
}

/**
 * Their programs are the image's, so they get no more rights than the container's process has.
 * @param init waits for its last batch
 * @param env of the container's process
 * @param before what takes the rights away: ids, capabilities, no_new_privs, seccomp
 * @throws EffectError
 */
export async function runStartContainerHooks(
  session: Session,
  record: ContainerRecord,
  init: Kernel,
  env: readonly string[],
  before: (at: number) => readonly Call[],
): Promise<void> {
  const hooks = planHooks(record.config.hooks, 'startContainer', env);
  if (hooks.length === 0) return;
  const start = inContainer(session, { init, preserveFds: record.options.preserveFds, before });
  await runInOrder(session.platform, hooks, hookState(record, 'startContainer', pidOf(init)), start);
}

/** As the container sees it: its hooks are told no other. */
const pidOf = (init: Kernel): number => call(init, { name: 'getpid', args: [] });
