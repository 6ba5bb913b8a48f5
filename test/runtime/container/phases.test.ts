/** Where a batch that a phase of a creation has posted fails, that phase is blamed, though a later one hears of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EarlierFailure } from '../../../machines/contract.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { type Call, type Kernel, LostPeerError, type Outcome, type Settle } from '../../../native/kernel/kernel.ts';
import { Phases } from '../../../runtime/container/phases.ts';
import { createContainer } from '../../../runtime/operations/create.ts';
import type { Config } from '../../../spec/types.ts';
import { BUNDLE, command, worldWithBundle } from '../simulated.ts';

/** The init's kernel. It performs what was posted when somebody waits: as late as possible. */
function postponing(kernel: Kernel, perform: (calls: readonly Call[]) => Outcome): Kernel {
  let posted: { readonly calls: readonly Call[]; readonly settle: Settle }[] = [];
  function flush(): void {
    while (posted.length > 0) {
      const [first, ...rest] = posted;
      posted = [];
      first?.settle(perform(first.calls));
      posted.push(...rest);
    }
  }
  return {
    ...kernel,
    post: (calls, settle) => void posted.push({ calls, settle }),
    flush,
    submit(calls) {
      flush();
      return perform(calls);
    },
  };
}

interface Failure {
  readonly during: string;
  readonly error: unknown;
}

/** @returns the failures that the machine reported for a creation, and the message that the caller got */
async function failing(
  perform: (kernel: Kernel, calls: readonly Call[]) => Outcome,
  change?: (config: Config) => Config,
) {
  const world = worldWithBundle('v2', change);
  const { context } = command(world, (kernel) =>
    kernel.performer === 'init' ? postponing(kernel, (calls) => perform(kernel, calls)) : kernel,
  );
  const failures: Failure[] = [];
  const inspect: typeof context.inspect = ({ type, actorRef }) => {
    if (type === '@xstate.actor' && 'id' in actorRef && actorRef.id === 'c1')
      (actorRef as unknown as { on(name: string, hear: (event: Failure) => void): unknown }).on('failed', (event) =>
        failures.push(event),
      );
  };
  let message = '';
  try {
    const inheritance = { stdio: [0, 1, 2], preserveFds: 0 } as const;
    (await createContainer({ ...context, inspect }, { id: 'c1', bundle: BUNDLE, inheritance })).close();
  } catch (error) {
    message = error instanceof Error ? error.message : String(error);
  }
  return { failures: failures.map(({ during, error }) => [during, String(error)]), message };
}

const stopAt = (name: string) => (kernel: Kernel, calls: readonly Call[]) => {
  const at = calls.findIndex((call) => call.name === name);
  if (at < 0) return kernel.submit(calls);
  const { results } = kernel.submit(calls.slice(0, at));
  return { results: [...results, -ERRNO.EPERM], stoppedAt: at };
};

test('without a fault the container is created', async () => {
  assert.deepEqual(await failing((kernel, calls) => kernel.submit(calls)), { failures: [], message: '' });
});

test('the host name is of the namespaces, though the mounts or the rootfs hear of it', async () => {
  const { failures, message } = await failing(stopAt('sethostname'));
  assert.deepEqual(failures, [
    ['namespaces', 'EffectError: set the host name to runchart: EPERM: operation not permitted'],
  ]);
  assert.equal(
    message,
    'unable to start container process: set the host name to runchart: EPERM: operation not permitted',
  );
});

test('pivot_root is of the rootfs, though the process hears of it', async () => {
  const { failures } = await failing(stopAt('pivot_root'));
  assert.deepEqual(
    failures.map(([during]) => during),
    ['rootfs'],
  );
});

test('where the init is gone, the phase that posted first is blamed', async () => {
  const { failures, message } = await failing((kernel, calls) => {
    if (calls.some((call) => call.name === 'sethostname')) throw new LostPeerError('init');
    return kernel.submit(calls);
  });
  assert.deepEqual(
    failures.map(([during]) => during),
    ['namespaces'],
  );
  assert.match(message, /: namespaces: the init process ended before it answered$/);
});

test('a phase is blamed for what it waits for itself', async () => {
  const { failures } = await failing(stopAt('accept4'));
  assert.deepEqual(
    failures.map(([during]) => during),
    ['process'],
  );
});

test('the phase of a hook may hear of what the mounts have posted, too', async () => {
  const { failures } = await failing(stopAt('move_mount'), (config) => ({
    ...config,
    hooks: { createRuntime: [{ path: '/nosuch' }] },
  }));
  assert.deepEqual(
    failures.map(([during]) => during),
    ['mounts'],
  );
});

test('what is posted before it is the turn of its phase belongs to that phase', async () => {
  const phases = new Phases();
  const refusal: Outcome = { results: [-ERRNO.EPERM], stoppedAt: 0 };
  const posted: Settle[] = [];
  const init: Kernel = {
    performer: 'init',
    submit: () => refusal,
    post: (_, settle) => void posted.push(settle),
    flush: () => posted.splice(0).forEach((settle) => void settle(refusal)),
    ahead: () => ({
      kernel: { ...init, post: (_, settle) => void written.push(settle) },
      size: 0,
      post: () => void posted.push(...written.splice(0)),
    }),
  };
  const written: Settle[] = [];
  const failing = new Error('EPERM');
  await phases.perform('namespaces', () => {
    const ahead = phases.watch(init, 'mounts').ahead?.();
    ahead?.kernel.post?.([{ name: 'getpid', args: [] }], () => {
      throw failing;
    });
    ahead?.post();
    ahead?.post();
  });
  await assert.rejects(
    phases.perform('process', () => phases.watch(init).flush?.()),
    new EarlierFailure('mounts', failing),
  );
});
