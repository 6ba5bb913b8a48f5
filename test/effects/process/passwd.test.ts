import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addFindHome } from '../../../effects/process/passwd.ts';
import { FS_MAGIC } from '../../../native/constants/files.ts';
import { Batch } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { makeDirectory, writeFile } from '../../simulation/host.ts';
import { furnish } from '../../simulation/mount-calls.ts';
import { FileSystem } from '../../simulation/nodes.ts';
import { simulatedPlatform } from '../../simulation/platform.ts';
import { World } from '../../simulation/world.ts';

const TEXT = 'root:x:0:0::/found:/bin/sh\n';
/** Longer than the first look reads. */
const LONG = `${'user:x:7:7::/home/user:/bin/sh\n'.repeat(1000)}${TEXT}`;

/**
 * A world with a file system on /volume, where /etc/passwd is a link into it; and the calls that were performed there.
 */
function worldOf(magic: number, text: string) {
  const world = new World();
  const fs = new FileSystem('some', magic, world.number());
  furnish(world, fs, makeDirectory(world, '/volume'), fs.type);
  writeFile(world, '/volume/file', text);
  makeDirectory(world, '/etc').node.addSymlink('passwd', '/volume/file');
  return { world, kernel: simulatedPlatform(world).local };
}

/** @param meanwhile is done after each batch */
function homeBy(inner: Kernel, meanwhile: () => void = () => undefined) {
  const reads: string[] = [];
  const kernel: Kernel = {
    performer: inner.performer,
    submit(calls) {
      const outcome = inner.submit(calls);
      calls.forEach(({ name }, i) => {
        if (name.includes('read') && (outcome.results[i] ?? -1) > 0) reads.push(name);
      });
      meanwhile();
      return outcome;
    },
  };
  const batch = new Batch();
  const homeIn = addFindHome(batch);
  return { home: homeIn(kernel, kernel.submit(batch.calls).results, 0), reads };
}

describe('the home directory of a user', () => {
  it('also comes from a file that lies on another mount', () => {
    for (const text of [TEXT, LONG])
      assert.equal(homeBy(worldOf(FS_MAGIC.TMPFS, text).kernel).home, '/found', `${text.length} bytes`);
  });

  it('does not come from a file system of the kernel’s, nor from FUSE, where a read may never be answered', () => {
    const { TMPFS: _, ...others } = FS_MAGIC;
    for (const [name, magic] of Object.entries(others))
      assert.deepEqual([name, homeBy(worldOf(magic, TEXT).kernel)], [name, { home: undefined, reads: [] }]);
  });

  it('comes from the root’s own mount whatever that is', () => {
    const world = new World();
    writeFile(world, '/etc/passwd', LONG);
    assert.equal(homeBy(simulatedPlatform(world).local).home, '/found');
  });

  it('does not come from a file that has taken the place of the one that was looked at', () => {
    const { world, kernel } = worldOf(FS_MAGIC.TMPFS, LONG);
    let batches = 0;
    const exchange = () => {
      // The first look, the second one; then it is opened.
      if (++batches === 2) writeFile(world, '/volume/file', TEXT);
    };
    assert.deepEqual(homeBy(kernel, exchange), { home: undefined, reads: [] });
    assert.ok(batches > 2, `${batches} batches`);
  });
});
