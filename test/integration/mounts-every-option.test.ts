/** Each option of a mount that is the runtime's to act upon, in the kernel's own words: mountinfo of the container. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { MOUNT_OPTIONS } from '../../spec/mount-options.ts';
import type { Config, Mount } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers } from './containers.ts';
import { type MountLine, mountsOf } from './mountinfo.ts';

const skip = noContainers;
const host = containers('every-option');
after(() => host.close());

interface Expected {
  /** Options before this one, which it takes back. */
  readonly after?: readonly string[];
  /** What the mount, or its file system, has. */
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

const relatime: Expected = { has: ['relatime'], lacks: ['noatime'] };
const nothing: Expected = { lacks: ['ro', 'nosuid', 'nodev', 'noexec', 'sync', 'dirsync', 'lazytime', 'mand'] };

/** Of one mount. */
const ATTRIBUTES = {
  ro: { has: ['ro'], lacks: ['rw'] },
  rw: { after: ['ro'], has: ['rw'], lacks: ['ro'] },
  nosuid: { has: ['nosuid'] },
  suid: { after: ['nosuid'], lacks: ['nosuid'] },
  nodev: { has: ['nodev'] },
  dev: { after: ['nodev'], lacks: ['nodev'] },
  noexec: { has: ['noexec'] },
  exec: { after: ['noexec'], lacks: ['noexec'] },
  nosymfollow: { has: ['nosymfollow'] },
  symfollow: { after: ['nosymfollow'], lacks: ['nosymfollow'] },
  noatime: { has: ['noatime'], lacks: ['relatime'] },
  atime: { after: ['noatime'], ...relatime },
  relatime: { after: ['noatime'], ...relatime },
  norelatime: { after: ['relatime'], ...relatime },
  strictatime: { lacks: ['relatime', 'noatime'] },
  nostrictatime: { after: ['strictatime'], ...relatime },
  nodiratime: { has: ['nodiratime'] },
  diratime: { after: ['nodiratime'], lacks: ['nodiratime'] },
} satisfies Readonly<Record<string, Expected>>;

/** Of what a source has they take nothing away, as with mount(2). */
const BOUND: Readonly<Record<keyof typeof ATTRIBUTES, Expected>> = {
  ...ATTRIBUTES,
  atime: { after: ['noatime'], has: ['noatime'] },
  norelatime: { after: ['relatime'], has: ['noatime'] },
  nostrictatime: { after: ['strictatime'], has: ['noatime'] },
  diratime: { after: ['nodiratime'], has: ['nodiratime'] },
};

type Flag = (typeof MOUNT_OPTIONS.flags)[number];
type Elsewhere = 'bind' | 'rbind' | 'remount';

const FLAGS: Readonly<Record<Exclude<Flag, Elsewhere>, Expected>> = {
  ...ATTRIBUTES,
  sync: { has: ['sync'] },
  dirsync: { has: ['dirsync'] },
  lazytime: { has: ['lazytime'] },
  mand: { has: ['mand'] },
  // What these take back is how a file system is anyway; the others the kernel does not show, or has forgotten.
  async: nothing,
  nolazytime: nothing,
  nomand: nothing,
  defaults: nothing,
  iversion: nothing,
  noiversion: nothing,
  loud: nothing,
  silent: nothing,
};

/** Without the `r`. */
const RECURSIVE: Readonly<Record<(typeof MOUNT_OPTIONS.recursive)[number], Expected>> = {
  rro: ATTRIBUTES.ro,
  rrw: ATTRIBUTES.rw,
  rnosuid: ATTRIBUTES.nosuid,
  rsuid: ATTRIBUTES.suid,
  rnodev: ATTRIBUTES.nodev,
  rdev: ATTRIBUTES.dev,
  rnoexec: ATTRIBUTES.noexec,
  rexec: ATTRIBUTES.exec,
  rnosymfollow: ATTRIBUTES.nosymfollow,
  rsymfollow: ATTRIBUTES.symfollow,
  rnoatime: ATTRIBUTES.noatime,
  ratime: ATTRIBUTES.atime,
  rrelatime: ATTRIBUTES.relatime,
  rnorelatime: ATTRIBUTES.norelatime,
  rstrictatime: ATTRIBUTES.strictatime,
  rnostrictatime: ATTRIBUTES.nostrictatime,
  rnodiratime: ATTRIBUTES.nodiratime,
  rdiratime: ATTRIBUTES.diratime,
};

/** Optional fields of mountinfo. The source is a shared mount of the host's, and the container's are slaves of the host's. */
const PROPAGATION: Readonly<Record<(typeof MOUNT_OPTIONS.propagation)[number], readonly string[]>> = {
  private: [],
  rprivate: [],
  shared: ['shared', 'master'],
  rshared: ['shared', 'master'],
  slave: ['master'],
  rslave: ['master'],
  unbindable: ['unbindable'],
  runbindable: ['unbindable'],
};

function withMounts(mounts: readonly Mount[]): Config {
  const config = shellConfig('true');
  return { ...config, root: { path: 'rootfs', readonly: false }, mounts: [...(config.mounts ?? []), ...mounts] };
}

function assertAs(option: string, mount: MountLine | undefined, { has = [], lacks = [] }: Expected): void {
  const shown = [
    ...(mount?.options ?? []),
    ...(mount?.superOptions ?? []).filter((one) => one !== 'rw' && one !== 'ro'),
  ];
  for (const one of has) assert.ok(shown.includes(one), `${option}: ${one} is in ${mount?.line}`);
  for (const one of lacks) assert.ok(!shown.includes(one), `${option}: ${one} is not in ${mount?.line}`);
}

const at = (pid: number | 'self', point: string) => mountsOf(pid).findLast((mount) => mount.point === point);

/** Folders `plain` and `closed`, each a mount with another one `below`; all of `closed` have every flag. */
async function withTrees(action: (source: (closed: boolean) => string) => Promise<void>): Promise<void> {
  const name = (closed: boolean) => join(host.path, closed ? 'closed' : 'plain');
  const mounted: string[] = [];
  const mount = (path: string, options: string) => {
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755,size=1m', 'tmpfs', path]);
    mounted.unshift(path);
    execFileSync('mount', ['--make-shared', path]);
    return () => execFileSync('mount', ['-o', `remount,bind,${options}`, path]);
  };
  try {
    for (const closed of [false, true]) {
      const options = closed ? 'ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow' : 'rw';
      for (const set of [mount(name(closed), options), mount(join(name(closed), 'below'), options)]) set();
    }
    await action(name);
  } finally {
    for (const path of mounted) execFileSync('umount', [path]);
  }
}

suite('every mount option', { skip }, () => {
  test('of one mount, and of a file system', async () => {
    const mounts = Object.entries(FLAGS).map(
      ([option, { after: before = [] }]: [string, Expected]): Mount => ({
        destination: `/m/${option}`,
        type: 'tmpfs',
        source: 'tmpfs',
        options: [...before, option],
      }),
    );
    await using created = await host.create('flags', withMounts(mounts));
    for (const [option, expected] of Object.entries(FLAGS)) assertAs(option, at(created.pid, `/m/${option}`), expected);
  });

  test('of one bind, which clears what its source has', async () => {
    await withTrees(async (source) => {
      const mounts = Object.entries(BOUND).map(
        ([option, { after: before }]: [string, Expected]): Mount => ({
          destination: `/m/${option}`,
          source: source(before !== undefined),
          options: ['rbind', option],
        }),
      );
      await using created = await host.create('bind', withMounts(mounts));
      for (const [option, expected] of Object.entries(BOUND)) {
        assertAs(option, at(created.pid, `/m/${option}`), expected);
      }
    });
  });

  test('of a mount and all that is mounted below', async () => {
    await withTrees(async (source) => {
      const mounts = Object.entries(RECURSIVE).map(
        ([option, { after: before }]: [string, Expected]): Mount => ({
          destination: `/m/${option}`,
          source: source(before !== undefined),
          options: ['rbind', option],
        }),
      );
      assert.ok(at('self', join(source(true), 'below'))?.options.includes('nosymfollow'));
      await using created = await host.create('recursive', withMounts(mounts));
      for (const [option, expected] of Object.entries(RECURSIVE))
        for (const below of ['', '/below']) assertAs(option, at(created.pid, `/m/${option}${below}`), expected);
    });
  });

  test('of propagation', async () => {
    await withTrees(async (source) => {
      const mounts = Object.keys(PROPAGATION).map(
        (option): Mount => ({ destination: `/m/${option}`, source: source(false), options: ['rbind', option] }),
      );
      await using created = await host.create('propagation', withMounts(mounts));
      for (const [option, expected] of Object.entries(PROPAGATION))
        for (const below of option.startsWith('r') ? ['', '/below'] : [''])
          assert.deepEqual(
            at(created.pid, `/m/${option}${below}`)?.optional.map((field) => field.replace(/:.*/, '')),
            expected,
            option + below,
          );
    });
  });

  test('bind and rbind: one mount, or what is mounted below too', async () => {
    await withTrees(async (source) => {
      const mounts = ['bind', 'rbind'].map(
        (option): Mount => ({ destination: `/m/${option}`, source: source(false), options: [option] }),
      );
      await using created = await host.create('binds', withMounts(mounts));
      assert.equal(at(created.pid, '/m/bind/below'), undefined);
      assert.notEqual(at(created.pid, '/m/rbind/below'), undefined);
    });
  });
});
