/** What a resident server keeps in memory: no more after many commands, and little of its program when it is idle. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';
import { noServer, type ResidentServer, residentDist } from './resident-server.ts';

/** An engine collects its garbage after a second without commands. */
const COLLECTED_MS = 1500;
/** After so many, the compiler has come to rest. */
const WARMING = 1200;
/** So many more … */
const MORE = 3000;
/** … may add so much: 2 kB a command would be more. */
const ADDED = 6e6;
/**
 * An idle engine has less of its bundled scripts, and of what lies beside them. Otherwise it has more than 7 MB. Linux
 * maps at once what it keeps in one piece, 2 MB say, and an engine that waits needs some two of them.
 */
const FEW_PAGES = 6e6;
/** It takes minutes. */
const notLong = process.env.RUNCHART_TEST_MEMORY === undefined ? 'npm run test:memory waits for it' : false;

describe('the memory of a resident server', { skip: noContainers || noServer }, () => {
  const work = workFolder('resident-memory');
  const prefix = `runchart-test-${process.pid}-memory`;
  const root = join(work.path, 'state');
  const dist = residentDist(work.path);
  const sleeper = makeBundle(join(work.path, 'sleeper'), shellConfig('exec sleep 10000'));
  const quick = makeBundle(join(work.path, 'quick'), shellConfig('exit 0'));
  const kept = `${prefix}-kept`;
  let server: ResidentServer;

  before(async () => {
    server = await dist.serve(['--engines', '1']);
    give('run', '--detach', '--bundle', sleeper, kept);
  });
  after(async () => {
    give('delete', '--force', kept);
    await server.stop();
    assert.deepEqual(await remainsAtLast(prefix, work.path), []);
    work.remove();
  });

  function give(...argv: readonly string[]): void {
    const { status } = spawnSync(dist.program, ['--root', root, ...argv], { stdio: 'ignore' });
    assert.equal(status, 0, argv.join(' '));
  }

  const engine = (): number => server.status().engines[0]?.pid ?? 0;

  it('does not grow with its commands', { skip: notLong }, async () => {
    const id = `${prefix}-life`;
    const mixed: readonly (readonly string[])[] = [
      ['state', kept],
      ['exec', kept, 'true'],
      ['run', '--bundle', quick, id],
      ['create', '--bundle', quick, id],
      ['start', id],
      ['delete', '--force', id],
    ];
    const pid = engine();
    const sizeAfter = async (count: number): Promise<number> => {
      const served = server.status().commands;
      while (server.status().commands < served + count)
        for (let i = 0; i < 10; i++) for (const argv of mixed) give(...argv);
      await setTimeout(COLLECTED_MS);
      return sizeOf(pid, 'Anonymous');
    };
    const warm = await sizeAfter(WARMING);
    const last = await sizeAfter(MORE);
    assert.equal(engine(), pid, 'it is the same engine');
    assert.ok(last < warm + ADDED, `${warm} bytes, and ${last} after ${MORE} commands`);
  });

  it('keeps little of the program while nothing comes', { skip: notLong }, async () => {
    give('state', kept);
    const pid = engine();
    await until('bytes of the scripts', () => ofScripts(pid), FEW_PAGES);
    give('state', kept);
  });

  it('has one engine that is warm while nothing comes', { skip: notLong }, async () => {
    await server.stop();
    server = await dist.serve(['--engines', '2']);
    const commands = (): readonly number[] => server.status().engines.map((one) => one.commands ?? 0);
    const three = ['1', '2', '3'].map((n) => `${dist.program} --root ${root} exec ${kept} true; : ${n}`);
    const together = `${three.join(' & ')} & wait`;
    while (commands().some((count) => count < 2)) spawnSync('sh', ['-c', together], { stdio: 'ignore' });
    for (let i = 0; i < 50; i++) give('state', kept);
    const [most = 0, least = 0] = commands().toSorted((one, other) => other - one);
    const before = server.status();
    // To ask how it is would keep it from its rest.
    await setTimeout(75_000);
    await until('engines that were replaced', () => 1 - server.status().replaced, 1, 70_000);
    await until('engines that are not ready', () => 2 - server.status().idle, 1);
    const { engines, commands: all, replaced } = server.status();
    assert.equal(replaced, 1);
    assert.equal(all, before.commands, 'those of the engine that is gone are counted');
    assert.deepEqual(
      engines.map((one) => one.commands ?? 0).toSorted((one, other) => one - other),
      [0, most],
      `not the one that performed ${least}`,
    );
  });
});

/** Looks once a second until a figure is below a limit. */
async function until(what: string, figure: () => number, limit: number, pause = 1000): Promise<void> {
  for (let tries = 0; figure() >= limit; tries++) {
    assert.ok(tries < 60 * PATIENCE, `${what}: ${figure()}, not below ${limit}`);
    await setTimeout(pause);
  }
}

/** A field of a process's memory, in bytes (proc_pid_smaps(5)). */
const sizeOf = (pid: number, field: string): number => sumOf(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), field);

/** How much of the part of the engine's file that holds the scripts is in the memory of a process, in bytes. */
const ofScripts = (pid: number): number =>
  sumOf(
    readFileSync(`/proc/${pid}/smaps`, 'utf8')
      .split(/\n(?=[0-9a-f]+-)/)
      .filter((mapping) => /^\S+ rw-p .*runchart-engine$/m.test(mapping))
      .join('\n'),
    'Rss',
  );

const sumOf = (text: string, field: string): number =>
  [...text.matchAll(new RegExp(`^${field}: +(\\d+) kB$`, 'gm'))].reduce((sum, [, kB]) => sum + Number(kB) * 1024, 0);
