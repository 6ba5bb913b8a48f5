/** What a phase of a creation posts and a later one hears of is told as the failure of the former. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO } from '../../../native/constants/errno.ts';
import { type Call, type Kernel, LostPeerError, type Outcome, type Settle } from '../../../native/kernel/kernel.ts';
import { createContainer } from '../../../runtime/operations/create.ts';
import type { Config } from '../../../spec/types.ts';
import { BUNDLE, command, worldWithBundle } from '../simulated.ts';

/** The init's kernel, in which what was posted is performed when somebody waits: as late as may be. */
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

/** @returns what the machine told of a creation, and what the caller heard */
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

test('without a fault it is created', async () => {
  assert.deepEqual(await failing((kernel, calls) => kernel.submit(calls)), { failures: [], message: '' });
});

test('the host name, which the namespaces have posted and the mounts or the rootfs hear of', async () => {
  const { failures, message } = await failing(stopAt('sethostname'));
  assert.deepEqual(failures, [
    ['namespaces', 'EffectError: set the host name to runchart: EPERM: operation not permitted'],
  ]);
  assert.equal(
    message,
    'unable to start container process: set the host name to runchart: EPERM: operation not permitted',
  );
});

test('pivot_root, which the process hears of, is the rootfs’s', async () => {
  const { failures } = await failing(stopAt('pivot_root'));
  assert.deepEqual(
    failures.map(([during]) => during),
    ['rootfs'],
  );
});

test('an init that is gone has not answered the phase that posted first', async () => {
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

test('what a phase waits for itself is its own', async () => {
  const { failures } = await failing(stopAt('accept4'));
  assert.deepEqual(
    failures.map(([during]) => during),
    ['process'],
  );
});

test('a hook’s phase hears of what the mounts have posted, too', async () => {
  const { failures } = await failing(stopAt('move_mount'), (config) => ({
    ...config,
    hooks: { createRuntime: [{ path: '/nosuch' }] },
  }));
  assert.deepEqual(
    failures.map(([during]) => during),
    ['mounts'],
  );
});
