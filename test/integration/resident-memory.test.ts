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
const COLLECTED_MS = 2500;
/** So many commands belong to a round, … */
const ROUND = 300;
/** … and a round may add so much: 3 kB a command would be more. */
const ADDED = 0.9e6;
/** Within so many, the compiler has come to rest. */
const MOST_ROUNDS = 15;
/** What an idle process has of its program. Without letting go it would be three times as much. */
const FEW_PAGES = 9e6;

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

  it('does not grow with its commands', async () => {
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
    const sizes: number[] = [];
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const served = server.status().commands;
      while (server.status().commands < served + ROUND)
        for (let i = 0; i < 10; i++) for (const argv of mixed) give(...argv);
      await setTimeout(COLLECTED_MS);
      sizes.push(sizeOf(pid, 'Anonymous'));
      const [earlier = 0, last = 0] = sizes.slice(-2);
      if (sizes.length > 1 && last < earlier + ADDED) break;
    }
    assert.equal(engine(), pid, 'it is the same engine');
    const [earlier = 0, last = 0] = sizes.slice(-2);
    assert.ok(last < earlier + ADDED, `each round adds to it: ${sizes.join(', ')} bytes`);
  });

  it('keeps little of the program while nothing comes', async () => {
    for (const pid of [engine(), server.pid])
      for (let tries = 0; ; tries++) {
        const size = ofProgram(pid);
        if (size < FEW_PAGES) break;
        assert.ok(tries < 60 * PATIENCE, `process ${pid} has ${size} bytes of it`);
        await setTimeout(1000);
      }
    give('state', kept);
  });
});

/** A field of a process's memory, in bytes (proc_pid_smaps(5)). */
const sizeOf = (pid: number, field: string): number => sumOf(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), field);

/** How much of the engine's file is in the memory of a process, in bytes. */
const ofProgram = (pid: number): number =>
  sumOf(
    readFileSync(`/proc/${pid}/smaps`, 'utf8')
      .split(/\n(?=[0-9a-f]+-)/)
      .filter((mapping) => /^.*runchart-engine$/m.test(mapping))
      .join('\n'),
    'Rss',
  );

const sumOf = (text: string, field: string): number =>
  [...text.matchAll(new RegExp(`^${field}: +(\\d+) kB$`, 'gm'))].reduce((sum, [, kB]) => sum + Number(kB) * 1024, 0);
