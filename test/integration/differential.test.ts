/** Random configs by Debian's runc and by us: the containers see the same, may do the same, and leave the same. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { S } from '../../native/constants/files.ts';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig, writeConfig } from './bundle.ts';
import { type CommandLine, noRunc } from './command-line.ts';
import { randomConfigs } from './differential/configs.ts';
import { normalized, REPORT } from './differential/report.ts';
import { lives } from './lives.ts';

const skip = noContainers || noRunc;
const seed = Number(process.env.RUNCHART_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const [RUNS, MILLISECONDS] = [60, 9_000];
/** Configs that are tried whatever time they take, and those of them that must have become containers. */
const [ENOUGH, RUN] = [8, 3];

const host = lives('differential');
const source = join(host.path, 'source');
after(async () => {
  if (skip === false) execFileSync('umount', [join(source, 'directory/below')]);
  await host.close();
});

/** What the container and its runtime did. */
interface Outcome {
  readonly status: number | null;
  readonly report: string;
  readonly left: readonly string[];
}

test('a random config makes the same container', { skip }, (t) => {
  mkdirSync(join(source, 'directory/below'), { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755,nodev', 'below', join(source, 'directory/below')]);
  const both = [host.runc, host.runchart].map((by, i) => ({ by, bundle: host.bundle(`bundle-${i}`, shellConfig('')) }));
  const configs = randomConfigs(REPORT, { directory: join(source, 'directory'), file: join(source, 'file') });

  let [tried, run] = [0, 0];
  const end = performance.now() + MILLISECONDS;
  fc.assert(
    fc.property(configs, (config) => {
      if (tried >= ENOUGH && performance.now() > end) return;
      tried++;
      const [theirs, ours] = both.map(({ by, bundle }) => outcome(by, bundle, config));
      // It fails where one mount covers another that it has still to make read-only.
      if (!theirs?.report.includes('[end]')) return;
      run++;
      assert.deepEqual(ours, theirs);
    }),
    { seed, numRuns: RUNS, endOnFailure: true },
  );
  t.diagnostic(`${run} of ${tried} configs ran; RUNCHART_TEST_SEED=${seed}`);
  assert.ok(run >= RUN);
});

function outcome(by: CommandLine, bundle: string, config: Config): Outcome {
  layOut(bundle);
  laySource();
  writeConfig(bundle, config);
  const id = host.idFor(by);
  const { status, stdout, stderr } = by('run', '--bundle', bundle, id);
  if (!stdout.includes('[end]')) return { status, report: stdout + stderr, left: [] };
  return { status, report: normalized(stdout, bundle), left: [...content(bundle), ...content(source)] };
}

/** All of the rootfs anew, but for its programs. */
function layOut(bundle: string): void {
  const at = (path: string) => join(bundle, 'rootfs', path);
  for (const name of readdirSync(at(''))) if (name !== 'bin') rmSync(at(name), { recursive: true });
  for (const path of [
    'dev',
    'etc',
    'links',
    'proc',
    'sys',
    't/a/b',
    'm/directory',
    'r/directory',
    'r/linked',
    'l/a/b',
    'copied/a',
  ])
    mkdirSync(at(path), { recursive: true });
  chmodSync(at('t'), 0o777);
  for (const path of [
    't/file',
    't/a/file',
    'm/file',
    'm/linked',
    'copied/a/file',
    'l/file',
    'm/directory/file',
    'r/file',
  ])
    writeFileSync(at(path), 'content\n');
  for (const [name, target] of [
    ['abs', '/l/a'],
    ['rel', '../l'],
    ['out', '../../../../l/a/b'],
    ['file', '/l/file'],
    ['m', '/m/linked'],
    ['r', '../r/linked'],
  ] as const)
    symlinkSync(target, at(`links/${name}`));
}

/** Without what was made in it for mounts. */
function laySource(): void {
  for (const folder of ['directory', 'directory/below'].map((name) => join(source, name)))
    for (const name of readdirSync(folder)) if (name !== 'below') rmSync(join(folder, name), { recursive: true });
  for (const path of ['file', 'directory/file']) writeFileSync(join(source, path), `${path}\n`);
}

/**
 * Everything below a folder, with types and owners. runc 1.2 has changed the permissions of what is made for mounts.
 */
function content(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !/(^|\/)bin\//.test(path))
    .toSorted()
    .map((path) => {
      const { mode, uid, gid } = lstatSync(join(folder, path));
      return `${path} ${(mode & S.IFMT).toString(8)} ${uid}:${gid}`;
    });
}
