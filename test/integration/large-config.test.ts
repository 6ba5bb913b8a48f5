/** Configs with thousands of entries: nothing is refused for its number, and all of it is there. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Config } from '../../spec/types.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { RUNCHART } from './command-line.ts';

const MOUNTS = 12_000;
const DEVICES = 600;

describe('a large config', { skip: noContainers }, () => {
  const work = noContainers === false ? workFolder('large') : undefined;
  const folder = work?.path ?? '';
  before(() => {
    makeBundle(join(folder, 'bundle'), shellConfig('true'));
    mkdirSync(join(folder, 'sources'));
  });
  after(() => work?.remove());

  function outputOf(config: Config): string {
    writeConfig(join(folder, 'bundle'), config);
    const args = [
      '--root',
      join(folder, 'state'),
      'run',
      '-b',
      join(folder, 'bundle'),
      `runchart-test-${process.pid}-large`,
    ];
    const { status, stdout, stderr } = spawnSync(RUNCHART, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
    assert.equal(status, 0, stderr);
    return stdout;
  }

  it(`has ${MOUNTS} mounts, which are more than one message to an init holds`, () => {
    const source = join(folder, 'sources/one');
    writeFileSync(source, 'content');
    const config = shellConfig(`grep -c ' /mnt/' /proc/self/mountinfo; cat /mnt/0 /mnt/deep/${MOUNTS - 1}`);
    const mounts = Array.from({ length: MOUNTS }, (_, i) => ({
      destination: i === MOUNTS - 1 ? `/mnt/deep/${i}` : `/mnt/${i}`,
      type: 'bind',
      source,
      options: ['bind', 'ro'],
    }));
    assert.equal(outputOf({ ...config, mounts: [...(config.mounts ?? []), ...mounts] }), `${MOUNTS}\ncontentcontent`);
  });

  it(`has ${DEVICES} devices, some of them in the way of others, with their owners and modes`, () => {
    const config = shellConfig(
      `ls -l /dev | grep -c '^c.*many'; stat -c '%u:%g %a %t:%T' /dev/many7 /dev/many8 /dev/deep/one /dev/twice`,
    );
    const many = Array.from({ length: DEVICES }, (_, i) => ({
      path: `/dev/many${i}`,
      type: 'c' as const,
      major: 1n,
      minor: 3n,
      ...(i === 7 ? { uid: 12, gid: 34, fileMode: 0o640 } : {}),
    }));
    const others = [
      { path: '/dev/deep/one', type: 'c' as const, major: 1n, minor: 5n, uid: 5 },
      { path: '/dev/twice', type: 'c' as const, major: 1n, minor: 3n },
      { path: '/dev/twice', type: 'c' as const, major: 1n, minor: 5n, gid: 6 },
    ];
    const output = outputOf({ ...config, linux: { ...config.linux, devices: [...many, ...others] } });
    assert.equal(output, `${DEVICES}\n12:34 640 1:3\n0:0 666 1:3\n5:0 666 1:5\n0:6 666 1:5\n`);
  });
});
