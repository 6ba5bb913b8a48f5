/** A creation on arm64, where a kernel may have pages of 64 kB. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../../native/kernel/kernel.ts';
import type { Wrap } from '../../native/platform.ts';

const skip = process.versions.bun !== undefined && 'Bun replaces process.arch as it reads the sources';

test('an init that waits gives back whole pages, whatever their size', { skip }, async () => {
  const { arch } = process;
  Object.defineProperty(process, 'arch', { value: 'arm64', configurable: true });
  const { BUNDLE, command, worldWithBundle } = await import('./simulated.ts');
  const { createContainer } = await import('../../runtime/operations/create.ts');
  Object.defineProperty(process, 'arch', { value: arch, configurable: true });
  const made: Call[] = [];
  const seen: Wrap = (kernel) => ({
    performer: kernel.performer,
    submit(calls) {
      made.push(...calls);
      return kernel.submit(calls);
    },
  });
  const { context } = command(worldWithBundle(), seen);
  const inheritance = { stdio: [0, 1, 2], preserveFds: 0 } as const;
  (await createContainer(context, { id: 'one', bundle: BUNDLE, inheritance })).close();
  const addresses = made.filter(({ name }) => name === 'madvise').map(({ args: [address] }) => Number(address));
  assert.equal(addresses.length, 1);
  for (const address of addresses) assert.equal(address % 65_536, 0);
});
