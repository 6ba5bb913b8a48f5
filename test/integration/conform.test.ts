/** `conform` with real runtimes: ours has no deviation but those that docs/conform.md explains. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { noContainers, workFolder } from './bundle.ts';
import { commandLine, RUNCHART } from './command-line.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';

const skip = noContainers;
const work = workFolder(`${process.pid}-conform`);
after(() => work.remove());
// What is made there goes to the test's folder.
const places = join(work.path, 'places');
mkdirSync(places);
const env = { ...process.env, TMPDIR: places };
const patience = ['--patience', String(10 * PATIENCE)];

afterEach(async () => {
  assert.deepEqual(readdirSync(places), []);
  // Others may run it, too: only what our own have made is looked for.
  for (const pid of pids.splice(0)) assert.deepEqual(await remainsAtLast(`runchart-conform-${pid}`, places), []);
});

/** Of the commands that a test has run. The launcher becomes the engine, so they are those of the cgroups' names. */
const pids: number[] = [];

/** Runs it to its end. It takes as long as it takes. */
async function conform(...argv: readonly string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn(RUNCHART, ['conform', ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) pids.push(child.pid);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  const [status]: (number | null)[] = await once(child, 'close');
  return { status: status ?? null, ...texts };
}

/** The deviations of the table in docs/conform.md: rule and case, by profile. */
function explained(profile: string): readonly string[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/conform.md'), 'utf8');
  const [, table = ''] = text.split('<!-- runchart’s own -->');
  return [...table.matchAll(/^\| (spec|runc) \| `(\w+)` \| ([^|]+) \|/gm)]
    .filter(([, name]) => name === profile)
    .map(([, , rule, about]) => `${rule}: ${about?.trim()}`);
}

describe('conform of runchart itself', { skip }, () => {
  for (const profile of ['spec', 'runc'])
    it(`${profile}: finds what docs/conform.md explains, and no more`, async (t) => {
      const runs = ['--runs', '5', '--seed', '1'];
      const { status, stdout, stderr } = await conform(
        '--runtime',
        RUNCHART,
        '--profile',
        profile,
        '--format',
        'json',
        ...runs,
        ...patience,
      );
      assert.equal(stderr, '');
      const report = JSON.parse(stdout);
      const found = report.deviations.map(({ rule, about }: { rule: string; about: string }) => `${rule}: ${about}`);
      assert.deepEqual(found.toSorted(), explained(profile).toSorted(), stdout);
      assert.equal(status, found.length === 0 ? 0 : 2);
      assert.ok(report.sequences.chart > 100 && report.sequences.random >= 5 && report.rules.length > 25);
      t.diagnostic(`${report.steps} steps in ${report.seconds} s`);
    });
});

describe('conform', { skip }, () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['no runtime', [], /^conform needs --runtime PATH: the program to check$/],
    [
      'a runtime that is not there',
      ['--runtime', '/nowhere/runc'],
      /^--runtime \/nowhere\/runc: there is no such program$/,
    ],
    [
      'a name that is not in $PATH',
      ['--runtime', 'runchart-nowhere'],
      /^--runtime runchart-nowhere: it is not in \$PATH$/,
    ],
    [
      'a program that is none',
      ['--runtime', '/bin/false'],
      /^\/bin\/false is no OCI runtime: --version: it prints nothing/,
    ],
    ['a profile', ['--runtime', RUNCHART, '--profile', 'crun'], /^--profile crun: it must be spec or runc$/],
    ['a format', ['--runtime', RUNCHART, '--format', 'xml'], /^--format xml: it must be text, json or tap$/],
    ['a number', ['--runtime', RUNCHART, '--runs', '1.5'], /^--runs 1\.5: it must be a whole number from 0 on$/],
    ['a seed', ['--runtime', RUNCHART, '--seed', '-1'], /^--seed -1: it must be a whole number from 0 on$/],
    [
      'bundles that are there',
      ['--bundles', '/tmp'],
      /^write the bundles: \/tmp exists already: name a new directory$/,
    ],
  ];
  for (const [name, argv, reason] of cases)
    it(`refuses ${name} in one line`, async () => {
      const { status, stdout, stderr } = await conform(...argv);
      assert.deepEqual([status, stdout], [1, '']);
      const message = /^time="[^"]+" level=error msg="(.*)"\n$/.exec(stderr)?.[1] ?? stderr;
      assert.match(JSON.parse(`"${message}"`), reason);
    });

  it('says why nothing can be checked, if no container can be made', async () => {
    const broken = join(work.path, 'broken');
    writeFileSync(broken, `#!/bin/sh\ncase "$*" in *--version) echo broken 1.0;; *) echo no disk >&2; exit 1;; esac\n`);
    chmodSync(broken, 0o755);
    const { status, stderr } = await conform('--runtime', broken);
    assert.equal(status, 1);
    assert.match(stderr, /broken cannot make a plain container, so nothing is checked: no disk"\n$/);
  });

  it('removes all that it has made when it is interrupted', async () => {
    const child = spawn(RUNCHART, ['conform', '--runtime', RUNCHART], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    if (child.pid !== undefined) pids.push(child.pid);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = once(child, 'close');
    const marks = () => readdirSync(places).flatMap((name) => readdirSync(join(places, name, 'root')));
    // A container is there: its end is no accident.
    while (!hasContainer(marks)) await new Promise((resolve) => setTimeout(resolve, 1));
    child.kill('SIGINT');
    const [status] = await ended;
    assert.equal(status, 1);
    assert.match(stderr, /msg="ended by SIGINT: what was made has been removed"\n$/);
  });

  it('writes bundles that a report’s commands work with', async () => {
    const bundles = join(work.path, 'bundles');
    assert.deepEqual(await conform('--bundles', bundles), { status: 0, stdout: '', stderr: '' });
    const by = commandLine(RUNCHART, work.path, 'by-hand');
    const root = ['--root', by.root];
    assert.equal(by('create', '--bundle', join(bundles, 'plain'), 'runchart-test-c1').status, 0);
    assert.equal(by('start', 'runchart-test-c1').status, 0);
    assert.equal(JSON.parse(by('state', 'runchart-test-c1').stdout).status, 'running');
    while (!existsSync(join(bundles, 'conform/started'))) await new Promise((resolve) => setTimeout(resolve, 5));
    // The container's program waits for a line there.
    execFileSync('sh', ['-c', `echo > '${bundles}/conform/end'`]);
    while (JSON.parse(by('state', 'runchart-test-c1').stdout).status !== 'stopped')
      await new Promise((resolve) => setTimeout(resolve, 5));
    execFileSync(RUNCHART, [...root, 'delete', 'runchart-test-c1']);
  });
});

function hasContainer(marks: () => readonly string[]): boolean {
  try {
    return marks().includes('c1');
  } catch {
    // The folder is being made.
    return false;
  }
}
