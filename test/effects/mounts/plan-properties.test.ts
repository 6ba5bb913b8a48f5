/** What is true of every plan, whatever the mounts are. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MountFacts } from '../../../effects/mounts/facts.ts';
import { parseMountOptions } from '../../../effects/mounts/options.ts';
import { planMounts } from '../../../effects/mounts/plan.ts';
import type { MountStep } from '../../../effects/mounts/steps.ts';
import { MOUNT_ATTR } from '../../../native/constants/mount.ts';
import { cleanInside } from '../../../spec/paths.ts';
import type { Mount } from '../../../spec/types.ts';

const facts: MountFacts = {
  files: new Set(['/host/file']),
  cgroup: undefined,
  cgroupNamespace: false,
  rootfs: '/b/rootfs',
};

/** There are few, so that some lie in or over others. */
const destination = fc.constantFrom('/a', '/a/b', '/a/b/c', 'a/./b/', '/ab', '/../a', '/dev', '/dev/x', '/', '/a//b');
const flag = fc.constantFrom('ro', 'rw', 'nosuid', 'suid', 'noexec', 'rro', 'rprivate', 'rslave', 'noatime', 'nodev');
const options = fc.array(flag, { maxLength: 4 });
const filesystem = fc.record({
  destination,
  type: fc.constantFrom('tmpfs', 'proc', 'sysfs', 'devpts', 'mqueue', 'ext4'),
  source: fc.constant('source'),
  options: fc
    .tuple(options, fc.array(fc.constantFrom('size=1m', 'mode=755', 'tmpcopyup'), { maxLength: 2 }))
    .map((some) => some.flat()),
});
const bind = fc.record({
  destination,
  source: fc.constantFrom(
    '/host/dir',
    '/host/file',
    '/b/rootfs',
    '/b/rootfs/in',
    '/b/rootfs/../out',
    '/b/rootfsx',
    '/b/./rootfs//deep/',
  ),
  options: fc.tuple(options, fc.constantFrom('bind', 'rbind')).map(([some, kind]) => [...some, kind]),
});
const mounts: fc.Arbitrary<Mount[]> = fc.array(fc.oneof(filesystem, bind), { maxLength: 8 });

const { RDONLY } = MOUNT_ATTR;
const isReadOnly = ({ options: some = [] }: Mount): boolean => {
  const { attributes, recursive } = parseMountOptions(some);
  return ((attributes.set | recursive.set) & RDONLY) !== 0;
};
const isClosing = (step: MountStep) => step.step === 'attributes';

test('each mount has its step, in the order of the config, at a clean path inside', () => {
  fc.assert(
    fc.property(mounts, (all) => {
      const steps = planMounts(all, facts);
      for (const { at } of steps) assert.equal(at, cleanInside(at));
      const made = steps.filter((step) => !isClosing(step));
      assert.deepEqual(
        made.map(({ at }) => at),
        all.map((mount) => cleanInside(mount.destination)),
      );
      all.forEach((mount, i) => {
        const step = made[i];
        assert.equal(
          step?.step,
          mount.options?.includes('bind') || mount.options?.includes('rbind') ? 'bind' : 'filesystem',
        );
      });
    }),
  );
});

test('what is filled while mounting is made read-only at the end, unless a later mount covers it', () => {
  fc.assert(
    fc.property(mounts, (all) => {
      const steps = planMounts(all, facts);
      const first = steps.findIndex(isClosing);
      if (first >= 0) assert.ok(steps.slice(first).every(isClosing), 'closed last');
      const closed = steps.filter(isClosing).map(({ at }) => at);
      assert.equal(new Set(closed).size, closed.length, 'and once');
      all.forEach((mount, i) => {
        const step = steps[i];
        const at = cleanInside(mount.destination);
        const covered = all.slice(i + 1).some((later) => {
          const over = cleanInside(later.destination);
          return at === over || at.startsWith(over === '/' ? '/' : `${over}/`);
        });
        if (step?.step === 'filesystem' && step.type === 'tmpfs') {
          assert.equal(step.attributes & RDONLY, 0, 'mount points are made in it');
          // /dev is closed once its devices are there.
          if (at !== '/dev' && !covered) assert.equal(closed.includes(at), isReadOnly(mount), at);
        }
        if (step?.step === 'filesystem' && step.type !== 'tmpfs' && at !== '/dev')
          assert.equal((step.attributes & RDONLY) !== 0, isReadOnly(mount));
      });
    }),
  );
});

test('a source in the rootfs has its path there, and others have none', () => {
  const within: Readonly<Record<string, string | undefined>> = {
    '/host/dir': undefined,
    '/host/file': undefined,
    '/b/rootfs': '/',
    '/b/rootfs/in': '/in',
    '/b/rootfs/../out': undefined,
    '/b/rootfsx': undefined,
    '/b/./rootfs//deep/': '/deep',
  };
  fc.assert(
    fc.property(mounts, (all) => {
      for (const step of planMounts(all, facts))
        if (step.step === 'bind') {
          assert.equal(step.within, within[step.source]);
          assert.equal(step.placeholder, step.source === '/host/file' ? 'file' : 'directory');
        }
    }),
  );
});

test('options of contradicting kinds never set and clear the same', () => {
  fc.assert(
    fc.property(mounts, (all) => {
      for (const step of planMounts(all, facts)) {
        if (step.step !== 'bind') continue;
        for (const { set, clear } of [step.attributes, step.attributesBelow])
          assert.equal(set & clear & ~MOUNT_ATTR.ATIME, 0);
      }
    }),
  );
});
