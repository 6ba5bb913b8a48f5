/**
 * Runs the hooks of config.md, "POSIX-platform Hooks". The machine knows when a kind of hook runs; this file knows
 * where.
 */

import { fchdir } from '../../native/calls/files.ts';
import type { Variable } from '../../native/calls/process.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { call } from '../../native/kernel/perform.ts';
import type { ContainerRecord, HookKind } from '../../spec/record.ts';
import { holdInit } from '../running/observe.ts';
import { connectedInit, type Session } from '../session.ts';
import { hookState, planHooks } from './plan.ts';
import { runAll, runInOrder } from './run.ts';
import { besideRuntime, inContainer } from './start.ts';

/**
 * Runs hooks of any kind but startContainer.
 * @param env the runtime's environment, for hooks whose config gives none
 * @throws EffectError; for poststop it comes once all hooks have run, and is a warning only
 */
export async function runHooks(
  session: Session,
  record: ContainerRecord,
  kind: Exclude<HookKind, 'startContainer'>,
  env: readonly Variable[],
): Promise<void> {
  const { platform } = session;
  const hooks = planHooks(record.config, kind, env);
  if (hooks.length === 0) return;
  if (kind === 'createContainer') {
    const { kernel: init, root } = connectedInit(session);
    // The rootfs is their current directory, as with runc. The tree is still the host's: pivot_root comes later.
    const addBefore = (batch: Batch): void => {
      if (root !== undefined) batch.add(fchdir(root));
    };
    const start = inContainer(session, { init, preserveFds: session.inheritance.preserveFds, addBefore });
    await runInOrder(platform, hooks, hookState(record, kind, pidOf(init)), start);
  } else if (kind === 'poststop') {
    // The bundle may be gone by now, so it is not their directory.
    await runAll(platform, hooks, hookState(record, kind, undefined), besideRuntime(session, undefined));
  } else {
    const state = hookState(record, kind, record.init?.pid);
    const start = besideRuntime(session, record.bundle);
    // The process of a started container may end while its poststart hooks run. They run on.
    using init = kind === 'createRuntime' && record.init ? holdInit(platform.local, record.init) : undefined;
    await runInOrder(platform, hooks, state, start, init?.fd);
  }
}

/**
 * Runs the startContainer hooks. Their programs are the image's, so they get no more rights than the container's
 * process.
 * @param init waits for its last batch
 * @param env of the container's process
 * @param addBefore adds what takes the rights away: ids, capabilities, no_new_privs, seccomp
 * @throws EffectError
 */
export async function runStartContainerHooks(
  session: Session,
  record: ContainerRecord,
  init: Kernel,
  env: readonly string[],
  addBefore: (batch: Batch) => void,
): Promise<void> {
  const hooks = planHooks(record.config, 'startContainer', env);
  if (hooks.length === 0) return;
  const start = inContainer(session, { init, preserveFds: record.options.preserveFds, addBefore });
  await runInOrder(session.platform, hooks, hookState(record, 'startContainer', pidOf(init)), start);
}

/** The init's pid as the container sees it: hooks in the container are told no other. */
const pidOf = (init: Kernel): Pid => call(init, { name: 'getpid', args: [] });
