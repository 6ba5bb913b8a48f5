import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { CACHE_FOLDER, cacheKey, keyOf, readCached, writeCached } from '../../../effects/seccomp/cache.ts';
import { compileSeccomp } from '../../../effects/seccomp/compile-once.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { loadLibSeccomp } from '../../../native/libraries/libseccomp.ts';
import { localKernel } from '../../../native/performers/local.ts';
import type { Seccomp } from '../../../spec/types.ts';
import { compileOrSkip } from './stage.ts';

const libc = loadLibc();
const local = localKernel(libc);
const { skip } = compileOrSkip(libc, local);
const root = process.getuid?.() === 0;

const key = keyOf('a profile and what else its program depends on');
const program = Uint8Array.from({ length: 800 }, (_, i) => i);
let folder = '';
let base = '';
const file = (): string => `${folder}/${readdirSync(folder)[0]}`;
const lookUp = () => readCached(local, folder, key);
const store = () => writeCached(local, folder, key, program);

describe('the cache of compiled programs', () => {
  beforeEach(() => {
    base = mkdtempSync('/tmp/runchart-seccomp-cache-');
    folder = `${base}/${CACHE_FOLDER}`;
  });
  afterEach(() => rmSync(base, { recursive: true }));

  test('what was kept is found by its key, in a folder and a file that are ours alone', () => {
    assert.equal(lookUp(), undefined);
    store();
    assert.deepEqual(lookUp(), program);
    assert.equal(readdirSync(folder).length, 1, 'no partial file is left');
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(file()).mode & 0o777, 0o600);
    assert.equal(readCached(local, folder, keyOf('another')), undefined);
  });

  test('a file of the same name is not used for another profile', () => {
    store();
    const other = keyOf('a profile and what else its program depends oN');
    writeCached(local, folder, other, program);
    const [mine, its] = readdirSync(folder).map((name) => `${folder}/${name}`);
    assert.ok(mine && its);
    const named = (path: string) => readFileSync(path).includes('oN');
    renameSync(named(mine) ? mine : its, named(mine) ? its : mine);
    assert.equal(lookUp(), undefined);
  });

  test('what others may write to is neither trusted nor written to', () => {
    store();
    chmodSync(file(), 0o622);
    assert.equal(lookUp(), undefined);
    chmodSync(file(), 0o600);
    assert.deepEqual(lookUp(), program);
    chmodSync(folder, 0o770);
    assert.equal(lookUp(), undefined);
    rmSync(file());
    store();
    assert.deepEqual(readdirSync(folder), []);
  });

  test('what belongs to another user is not trusted', { skip: !root && 'only root can give files away' }, () => {
    store();
    chownSync(file(), 12345, 12345);
    assert.equal(lookUp(), undefined);
    chownSync(file(), 0, 0);
    chownSync(folder, 12345, 12345);
    assert.equal(lookUp(), undefined);
  });

  test('links are not followed', () => {
    store();
    const real = `${base}/real`;
    renameSync(folder, real);
    symlinkSync(real, folder);
    assert.equal(lookUp(), undefined);
    rmSync(folder);
    renameSync(real, folder);
    renameSync(file(), `${base}/file`);
    symlinkSync(`${base}/file`, `${folder}/${key.fileName}`);
    assert.equal(lookUp(), undefined);
  });

  test('a damaged file is not used: any bit, any length', () => {
    store();
    const path = file();
    const good = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ (1 << bit);
        writeFileSync(path, bad);
        const found = lookUp();
        // A bit in the padding of the key changes nothing.
        if (found !== undefined) assert.deepEqual(found, program);
        assert.ok(found === undefined || (at >= 16 + key.bytes.length && at < 16 + ((key.bytes.length + 7) & ~7)));
      }),
    );
    for (const length of [0, 8, 15, 16, good.length - 8, good.length - 1]) {
      writeFileSync(path, good.subarray(0, length));
      assert.equal(lookUp(), undefined, `${length} bytes`);
    }
    writeFileSync(path, Buffer.concat([good, Buffer.alloc(8)]));
    assert.equal(lookUp(), undefined);
  });

  /** A file of the folder that was last used so many minutes ago. */
  const old = (name: string, minutes: number, bytes = 0): void => {
    writeFileSync(`${folder}/${name}`, Buffer.alloc(bytes));
    const time = Date.now() / 1000 - minutes * 60;
    utimesSync(`${folder}/${name}`, time, time);
  };

  test('as many files stay as are allowed, and those that were not used for longest go', () => {
    store();
    for (let i = 0; i < 300; i++) old(`other-${i}`, ((i * 7) % 300) + 1);
    writeCached(local, folder, keyOf('one more'), program);
    const left = readdirSync(folder);
    assert.equal(left.length, 128);
    const ages = left.flatMap((name) => (name.startsWith('other-') ? [((Number(name.slice(6)) * 7) % 300) + 1] : []));
    assert.deepEqual(
      ages.toSorted((a, b) => a - b),
      Array.from({ length: 126 }, (_, i) => i + 1),
    );
    assert.deepEqual(lookUp(), program);
    assert.deepEqual(readCached(local, folder, keyOf('one more')), program);
  });

  test('as many bytes stay as are allowed, and a program that is too large is not kept', () => {
    store();
    const size = (): number => readdirSync(folder).reduce((sum, name) => sum + statSync(`${folder}/${name}`).size, 0);
    for (let i = 1; i <= 20; i++) old(`other-${i}`, i, 500_000);
    // Keys are made of profiles, which can be far larger than their programs.
    const large = (bytes: number) => keyOf('k'.repeat(bytes));
    writeCached(local, folder, large(400_000), program);
    assert.ok(size() <= 4 * 1024 * 1024 && size() > 3 * 1024 * 1024, `${size()} bytes`);
    assert.deepEqual(readCached(local, folder, large(400_000)), program);
    assert.deepEqual(lookUp(), program);
    const before = readdirSync(folder);
    assert.deepEqual(before.filter((name) => name.startsWith('other-')).toSorted(), [
      'other-1',
      'other-2',
      'other-3',
      'other-4',
      'other-5',
      'other-6',
      'other-7',
    ]);
    writeCached(local, folder, large(600_000), program);
    assert.deepEqual(readdirSync(folder), before);
  });

  test('what is used stays', () => {
    store();
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(file(), hourAgo, hourAgo);
    assert.deepEqual(lookUp(), program);
    for (let i = 0; i < 200; i++) old(`other-${i}`, 10);
    writeCached(local, folder, keyOf('one more'), program);
    assert.deepEqual(lookUp(), program);
    // Within a minute it is not written down again.
    const time = statSync(`${folder}/${key.fileName}`).mtimeMs;
    lookUp();
    assert.equal(statSync(`${folder}/${key.fileName}`).mtimeMs, time);
  });

  test('a file of the same name is replaced, and pushes out no other; what cannot be removed is left', () => {
    store();
    for (let i = 0; i < 127; i++) old(`other-${i}`, i + 1);
    mkdirSync(`${folder}/a-folder`);
    utimesSync(`${folder}/a-folder`, 0, 0);
    rmSync(`${folder}/other-126`);
    store();
    assert.equal(readdirSync(folder).length, 128);
    writeCached(local, folder, keyOf('one more'), program);
    assert.equal(readdirSync(folder).length, 128);
    assert.ok(
      !existsSync(`${folder}/other-125`) && existsSync(`${folder}/other-124`) && existsSync(`${folder}/a-folder`),
    );
  });

  test('commands at the same time neither fail nor lose what they add', async () => {
    const adds = `
      const { keyOf, writeCached, readCached } = await import(${JSON.stringify(`${import.meta.dirname}/../../../effects/seccomp/cache.ts`)});
      const { loadLibc } = await import(${JSON.stringify(`${import.meta.dirname}/../../../native/libraries/libc.ts`)});
      const { localKernel } = await import(${JSON.stringify(`${import.meta.dirname}/../../../native/performers/local.ts`)});
      const local = localKernel(loadLibc());
      for (let i = 0; i < 200; i++) {
        const key = keyOf(process.argv[1] + ' ' + i);
        writeCached(local, ${JSON.stringify(folder)}, key, new Uint8Array(800).fill(i));
        // The other command may have pushed it out meanwhile, but never damaged it.
        const found = readCached(local, ${JSON.stringify(folder)}, key);
        if (found !== undefined && found.some((byte) => byte !== i)) process.exit(3);
      }`;
    const both = ['one', 'other'].map((name) =>
      spawn(process.execPath, ['--input-type=module', '-e', adds, name], { stdio: 'inherit' }),
    );
    const ends = await Promise.all(both.map((child) => once(child, 'exit')));
    assert.deepEqual(ends, [
      [0, null],
      [0, null],
    ]);
    store();
    assert.equal(readdirSync(folder).length, 128);
    assert.deepEqual(lookUp(), program);
  });

  test('without a folder nothing is kept, and nothing fails', () => {
    writeCached(local, '/proc/no/such/folder', key, program);
    assert.equal(readCached(local, '/proc/no/such/folder', key), undefined);
  });

  test('a profile is compiled once, and the cache has the same program', { skip }, () => {
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [
        { names: ['read'], action: 'SCMP_ACT_ALLOW' },
        { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 2n ** 64n - 1n, op: 'SCMP_CMP_EQ' }] },
      ],
    };
    const compile = (it: Seccomp) =>
      compileSeccomp({ local, library: () => loadLibSeccomp(libc), cacheFolder: folder }, it);
    const first = compile(profile);
    const [name] = readdirSync(folder);
    const written = statSync(`${folder}/${name}`).mtimeMs;
    assert.deepEqual(compile(profile), first);
    assert.deepEqual(compile({ ...profile, flags: [] }).program, first.program, 'flags are not of the program');
    assert.equal(statSync(`${folder}/${name}`).mtimeMs, written);
    assert.notDeepEqual(compile({ ...profile, defaultErrnoRet: 5 }).program, first.program);
    assert.equal(readdirSync(folder).length, 2);
  });

  test('the key holds everything that a program depends on', () => {
    const library = (version: string, apiLevel: number) => ({
      version,
      apiLevel,
      resolve: () => -1,
      resolveOn: () => -1,
      init: () => assert.fail('nothing is built'),
    });
    const keyText = (profile: Seccomp, version = '2.5.4', level = 6) =>
      new TextDecoder().decode(cacheKey(local, library(version, level), profile).bytes);
    const rule = (value: number | bigint): Seccomp => ({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_TRAP', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] }],
    });
    const keys = [
      keyText({ defaultAction: 'SCMP_ACT_ALLOW' }),
      keyText({ defaultAction: 'SCMP_ACT_ALLOW' }, '2.6.0'),
      keyText({ defaultAction: 'SCMP_ACT_ALLOW' }, '2.5.4', 7),
      keyText({ defaultAction: 'SCMP_ACT_LOG' }),
      keyText({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86'] }),
      keyText(rule(1)),
      keyText(rule(2n ** 53n)),
      keyText(rule(2n ** 53n + 1n)),
    ];
    assert.equal(new Set(keys).size, keys.length);
    for (const one of keys) assert.ok(one.includes(readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()));
  });
});
