/**
 * A rootfs whose content tries to lead out of it. Wherever a path of the config leads through it, the container either
 * works inside its root or is refused in one line, and nothing outside changes.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, beforeEach, test } from 'node:test';
import { OperationError } from '../../library/index.ts';
import type { Mount } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { mounting } from './configs.ts';
import { containers, type ShellConfig } from './containers.ts';
import { clear, hostilePlaces, type Plant, portrait } from './hostile-places.ts';
import { hostMounts } from './mountinfo.ts';
import { remains } from './nothing-left.ts';

const skip = noContainers;
const host = containers('hostile');
after(() => host.close());

/** Links of the image lead there. It exists on the host, where it must stay as it is, and not in the rootfs. */
const canary = join(host.path, 'canary');
const PLANTS = hostilePlaces(canary);
let before = '';

/** What the host has at paths where a container's mounts and files go. */
const hostView = (): string =>
  [
    portrait(canary),
    hostMounts(host.path)
      .map(({ line }) => line)
      .join('\n'),
    readdirSync('/dev').join(),
    readdirSync('/proc/sys').join(),
  ].join('\n');

beforeEach(() => {
  mkdirSync(join(canary, 'dir'), { recursive: true });
  writeFileSync(join(canary, 'file'), 'untouched');
  before = hostView();
});

afterEach(() => assert.equal(hostView(), before, 'the host is as it was'));

/** Runs the container to its end. @returns its output; undefined if one of our own errors refused it */
async function either(
  name: string,
  config: ShellConfig,
  prepare: (rootfs: string) => void,
): Promise<string | undefined> {
  const bundle = host.bundle('bundle', config, prepare);
  try {
    const { output } = await host.run('c', config, { bundle });
    return output;
  } catch (error) {
    assert.ok(error instanceof OperationError, `${name}: ${error}`);
    assert.match(error.message, /^[^\n]{1,600}$/, `${name}: one line`);
    return undefined;
  }
}

const plain = (script: string): ShellConfig => ({ ...shellConfig(script), root: { path: 'rootfs', readonly: false } });

const MOUNT_POINTS = ['/proc', '/dev', '/sys', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys/fs/cgroup'];

const RAN = 'ran\n1\n';

/** What may become of a mount point: a mount there, or where its link leads inside the root, or a refusal. */
function mayBe(point: string, name: string): readonly (string | undefined)[] {
  if (name === 'nothing' || name.startsWith('a directory')) return [RAN];
  // No link may lead there, not even to a directory of the image.
  if (point === '/proc' || point === '/sys') return [undefined];
  if (['a file', 'a fifo', 'a device', 'a loop of links', 'a link to itself'].includes(name)) return [undefined];
  return [undefined, 'ran\n0\n'];
}

/** Leaves out what is mounted above `path`, so that the image's own file is found there. */
function exposing(config: ShellConfig, path: string): ShellConfig {
  const mounts = (config.mounts ?? []).filter(({ destination }) => !path.startsWith(`${destination}/`));
  return { ...config, mounts };
}

for (const point of MOUNT_POINTS)
  test(`${point} of the image is not what it seems`, { skip }, async () => {
    for (const [name, plant] of Object.entries(PLANTS)) {
      const config = exposing(plain(`echo ran; cut -d" " -f5 /proc/self/mountinfo | grep -cx ${point}`), point);
      const output = await either(`${point} is ${name}`, config, (rootfs) => plant(rootfs, point));
      const expected = mayBe(point, name);
      assert.ok(expected.includes(output), `${name}: ${JSON.stringify(output)} is among ${JSON.stringify(expected)}`);
    }
  });

test('a bind’s destination in the image is not what it seems', { skip }, async () => {
  const from = join(host.path, 'from');
  mkdirSync(join(from, 'dir'), { recursive: true });
  writeFileSync(join(from, 'dir/inside'), '');
  writeFileSync(join(from, 'file'), '');
  for (const [name, plant] of Object.entries(PLANTS))
    for (const source of ['dir', 'file'])
      for (const destination of ['/data', '/data/below/more']) {
        const mount: Mount = { destination, source: join(from, source), type: 'bind', options: ['bind', 'ro'] };
        const config = plain(`echo ran; ls -d ${destination}`);
        const output = await either(`${destination} is ${name}`, mounting(config, mount), (rootfs) =>
          plant(rootfs, '/data'),
        );
        // Without CAP_DAC_OVERRIDE even root may not pass through a directory of mode 0.
        if (output !== undefined && !output.endsWith('Permission denied\n'))
          assert.equal(output, `ran\n${destination}\n`, `${name}: a mounted ${source}`);
      }
});

test('the working directory in the image is not what it seems', { skip }, async () => {
  for (const [name, plant] of Object.entries(PLANTS))
    for (const cwd of ['/work', '/work/below/more', '/work/../work/..']) {
      const config = plain('echo ran; pwd -P; ls -d canary dir file 2>/dev/null');
      const output = await either(`${cwd} is ${name}`, { ...config, process: { ...config.process, cwd } }, (rootfs) =>
        plant(rootfs, '/work'),
      );
      // busybox's pwd -P asks the kernel: a directory that is not below the root is "(unreachable)".
      if (output !== undefined) assert.match(output, /^ran\n\/[^\n]*\n$/, `${cwd} is ${name}: inside of the root`);
    }
});

test('the devices and links of the image’s own /dev are not what they seem', { skip }, async () => {
  for (const [name, plant] of Object.entries(PLANTS))
    for (const device of ['/dev/null', '/dev/ptmx', '/dev/stdin', '/dev/tty'])
      await either(`${device} is ${name}`, exposing(plain('echo ran'), `${device}/x`), (rootfs) => {
        plant(rootfs, device);
      }).then((output) => output !== undefined && assert.equal(output, 'ran\n', name));
});

test('/etc/passwd is not what it seems: nothing waits for it, or reads it for ever', { skip }, async () => {
  const plants = {
    ...PLANTS,
    'an endless file': ((rootfs, path) => void execFileSync('truncate', ['-s', '8T', clear(rootfs, path)])) as Plant,
    'a huge line': ((rootfs, path) => writeFileSync(clear(rootfs, path), 'x'.repeat(1 << 20))) as Plant,
    binary: ((rootfs, path) => writeFileSync(clear(rootfs, path), Buffer.from([255, 0, 58, 58, 48, 58, 10]))) as Plant,
  };
  for (const [name, plant] of Object.entries(plants)) {
    const config = plain('echo ran $HOME');
    const env = ['PATH=/bin'];
    const { output } = await host.run(
      'passwd',
      { ...config, process: { ...config.process, env } },
      {
        prepare: (rootfs) => plant(rootfs, '/etc/passwd'),
      },
    );
    assert.equal(output, 'ran /\n', name);
  }
});

test('the home directory of a user far down a long /etc/passwd is found', { skip }, async () => {
  const config = plain('echo ran $HOME');
  const users = Array.from({ length: 500 }, (_, i) => `user${i}:x:${1000 + i}:1000::/home/user${i}:/bin/sh\n`).join('');
  const { output } = await host.run(
    'users',
    { ...config, process: { ...config.process, env: ['PATH=/bin'] } },
    { prepare: (rootfs) => writeFileSync(clear(rootfs, '/etc/passwd'), `${users}root:x:0:0::/far/down:/bin/sh\n`) },
  );
  assert.equal(output, 'ran /far/down\n');
});

test('a program that is not what it seems is refused, or runs inside of the root', { skip }, async () => {
  for (const [name, plant] of Object.entries(PLANTS)) {
    const config = plain('');
    const args = ['/bin/program'];
    const output = await either(
      `the program is ${name}`,
      { ...config, process: { ...config.process, args } },
      (rootfs) => plant(rootfs, '/bin/program'),
    );
    assert.equal(output, undefined, name);
  }
});

test('masked and read-only paths are not what they seem', { skip }, async () => {
  for (const [name, plant] of Object.entries(PLANTS)) {
    const config = plain('echo ran');
    const linux = {
      ...config.linux,
      maskedPaths: ['/hidden', '/hidden/below'],
      readonlyPaths: ['/closed', '/closed/below'],
    };
    const output = await either(`masked is ${name}`, { ...config, linux }, (rootfs) => {
      plant(rootfs, '/hidden');
      plant(rootfs, '/closed');
    });
    if (output !== undefined) assert.equal(output, 'ran\n', name);
  }
});

test('a destination of many missing directories, long names and dots is made inside', { skip }, async () => {
  const from = join(host.path, 'deep');
  mkdirSync(from, { recursive: true });
  const deep = `/${Array.from({ length: 60 }, (_, i) => `d${i}`).join('/')}`;
  const long = `/${'n'.repeat(255)}/${'m'.repeat(255)}`;
  for (const [destination, real] of [
    [deep, deep],
    [long, long],
    ['/../../../a/./b/../c//d/', '/a/c/d'],
  ] as const) {
    const config = plain(`cd ${real} && pwd -P`);
    const mount: Mount = { destination, source: from, type: 'bind', options: ['bind'] };
    const { output } = await host.run('deep', mounting(config, mount));
    assert.equal(output, `${real}\n`);
  }
  const config = plain('');
  const mount: Mount = { destination: `/${'x'.repeat(256)}`, source: from, type: 'bind', options: ['bind'] };
  await assert.rejects(host.create('long', { ...config, mounts: [mount] }), /ENAMETOOLONG/);
});

test('a chain of dangling links is followed inside, step by step, and not for ever', { skip }, async () => {
  const from = join(host.path, 'chained');
  mkdirSync(from, { recursive: true });
  const chain = (length: number) => async () => {
    const config = plain('ls -d /data');
    const mount: Mount = { destination: '/data', source: from, type: 'bind', options: ['bind'] };
    return await host.run('chain', mounting(config, mount), {
      prepare(rootfs) {
        symlinkSync('link0/x', join(rootfs, 'data'));
        for (let i = 0; i < length; i++) symlinkSync(`link${i + 1}/x`, join(rootfs, `link${i}`));
      },
    });
  };
  assert.equal((await chain(5)()).output, '/data\n');
  await assert.rejects(
    chain(60)(),
    /^OperationError: unable to start container process: bind .* on \/data: .*(ELOOP|ENOENT)/,
  );
});

test('nothing is left of all these', { skip }, () => {
  assert.deepEqual(remains(host.idOf(''), host.path), []);
  assert.equal(readFileSync(join(canary, 'file'), 'utf8'), 'untouched');
  assert.equal(existsSync(join(canary, 'new')), false);
  assert.equal(readlinkSync('/proc/self/root'), '/');
  assert.equal(statSync('/dev/null').isCharacterDevice(), true);
});
