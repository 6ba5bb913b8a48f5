/**
 * A resident engine, or its caller, is killed before one of its system calls, all over each command. The other one ends
 * or goes on by itself, nothing is done twice, and `delete --force` leaves nothing. (It is killed at some calls. With
 * RUNCHART_TEST_EXHAUSTIVE=1 it is killed at every one.)
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { findProgram } from '../../build/compiler.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { adoptOrphans, reapOrphans } from './chaos/remains.ts';
import { textOf } from './gone-meanwhile.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';
import { makePatient } from './patient-launcher.ts';
import { noServer, residentDist } from './resident-server.ts';

const SEED = 'RUNCHART_TEST_SEED';
const seed = Number(process.env[SEED] ?? Math.floor(Math.random() * 1000));
const exhaustive = process.env.RUNCHART_TEST_EXHAUSTIVE !== undefined;
/** At how many calls of a command its engine is killed, and its caller. */
const KILLS = 6;
const LINE = /^(runchart: [^\n]+\n|time="[^"]+" level=error msg="[^\n]+"\n)?$/;

const noStrace = findProgram('strace') === undefined ? 'strace is not installed' : false;

interface Scenario {
  readonly name: string;
  /** The command, of which the container has been made by the commands before. */
  readonly before: readonly (readonly string[])[];
  readonly argv: readonly string[];
}

describe('what is killed of a command', { skip: noContainers || noServer || noStrace }, () => {
  const work = workFolder('resident-kills');
  const prefix = `runchart-test-${process.pid}-kills`;
  const dist = residentDist(work.path);
  makePatient(dist, work.path);
  const root = join(work.path, 'state');
  const effects = join(work.path, 'effects');
  const kernel = hostPlatform().local;
  const note = (what: string) => ({ path: '/bin/sh', args: ['sh', '-c', `echo ${what} >> ${effects}`] });
  const hooks = { createRuntime: [note('create')], poststart: [note('start')] };
  const resting = makeBundle(join(work.path, 'resting'), { ...shellConfig('exec sleep 10000'), hooks });
  const quick = makeBundle(join(work.path, 'quick'), { ...shellConfig('true'), hooks });

  const scenarios: readonly Scenario[] = [
    { name: 'create', before: [], argv: ['create', '--bundle', resting, 'ID'] },
    { name: 'start', before: [['create', '--bundle', resting, 'ID']], argv: ['start', 'ID'] },
    { name: 'run', before: [], argv: ['run', '--bundle', quick, 'ID'] },
    { name: 'exec', before: [['run', '--detach', '--bundle', resting, 'ID']], argv: ['exec', 'ID', 'true'] },
    {
      name: 'delete',
      before: [['run', '--detach', '--bundle', resting, 'ID']],
      argv: ['delete', '--force', 'ID'],
    },
  ];

  before(adoptOrphans);
  after(async () => {
    clearInterval(reaper);
    reapOrphans(kernel, []);
    assert.deepEqual(await remainsAtLast(prefix, work.path), []);
    work.remove();
  });

  let count = 0;
  const ours = new Set<number>();
  const started = <T extends ChildProcess>(child: T): T => {
    if (child.pid !== undefined) ours.add(child.pid);
    return child;
  };

  /** @returns how often each effect was had, at most once each */
  function effectsOnce(what: string): readonly string[] {
    const all = existsSync(effects) ? readFileSync(effects, 'utf8').trim().split('\n') : [];
    assert.equal(new Set(all).size, all.length, `${what}: nothing is done twice: ${all.join(', ')}`);
    return all;
  }

  /** What has lost its parent becomes our child. A container ends only once all in it are reaped. */
  const reaper = setInterval(() => reapOrphans(kernel, [...ours]), 20);

  async function must(...argv: readonly string[]): Promise<void> {
    const { status, stderr } = await give(argv);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, argv.join(' '));
  }

  /** Looks at what is left, and removes it. */
  async function cleanUp(id: string, what: string): Promise<void> {
    await must('list');
    effectsOnce(what);
    await must('delete', '--force', id);
    assert.deepEqual(await remainsAtLast(id, work.path), [], what);
  }

  /** Traces a process. @param to after how many calls it is killed; without it, all are counted */
  async function attach(pid: number, to?: number) {
    const file = join(work.path, `trace-${++count}`);
    const how = to === undefined ? [] : ['-e', `inject=all:signal=SIGKILL:when=${to}`];
    const strace = started(spawn('strace', ['-p', String(pid), '-o', file, ...how], { stdio: 'ignore' }));
    for (let tries = 0; !/^TracerPid:\t[1-9]/m.test(textOf(`/proc/${pid}/status`)); tries++) {
      assert.ok(tries < 500 * PATIENCE && strace.exitCode === null, 'strace attaches');
      await setTimeout(10);
    }
    return {
      async calls(): Promise<number> {
        const ended = once(strace, 'exit');
        strace.kill('SIGTERM');
        await ended;
        return callsIn(file);
      },
      end: async () => {
        if (strace.exitCode === null && strace.signalCode === null) {
          const ended = once(strace, 'exit');
          strace.kill('SIGKILL');
          await ended;
        }
      },
    };
  }

  /** Runs a command, by strace if wanted, as a process that is waited for. */
  async function give(argv: readonly string[], through: readonly string[] = []) {
    const file = join(work.path, 'said');
    const [program = '', ...rest] = [...through, dist.program, '--root', root, ...argv];
    const sh = ['-c', 'exec "$0" "$@" 2> "$SAID"', program, ...rest];
    const child = started(spawn('sh', sh, { stdio: 'ignore', env: { ...process.env, SAID: file } }));
    const [status, signal] = await once(child, 'exit');
    return { status, signal, stderr: readFileSync(file, 'utf8') };
  }

  async function prepare({ before }: Scenario): Promise<{ id: string; named: (argv: readonly string[]) => string[] }> {
    const id = `${prefix}-${++count}`;
    const named = (argv: readonly string[]) => argv.map((word) => (word === 'ID' ? id : word));
    for (const argv of before) await must(...named(argv));
    writeFileSync(effects, '');
    rmSync(effects);
    return { id, named };
  }

  /** Performs it by an engine that dies at a call. @returns how many calls it makes in all, if it does not die */
  async function engineDies(scenario: Scenario, at?: number): Promise<number> {
    const { id, named } = await prepare(scenario);
    const what = `${scenario.name}, ${SEED}=${seed}, the engine dies at call ${at}`;
    await using server = await dist.serve(['--engines', '1']);
    ours.add(server.pid);
    const [engine] = server.status().engines;
    assert.ok(engine !== undefined);
    const tracing = await attach(engine.pid, at);
    const ended = await give(named(scenario.argv));
    assert.equal(ended.signal, null, what);
    assert.match(ended.stderr, LINE, what);
    if (at === undefined) assert.deepEqual([ended.status, ended.stderr], [0, ''], what);
    if (ended.status !== 0) assert.notEqual(ended.stderr, '', `${what}: it says why it failed`);
    const calls = at === undefined ? await tracing.calls() : 0;
    await tracing.end();
    await cleanUp(id, what);
    return calls;
  }

  /** Performs it for a caller that dies at a call. @returns how many calls it makes in all, if it does not die */
  async function callerDies(scenario: Scenario, at?: number): Promise<number> {
    const { id, named } = await prepare(scenario);
    const what = `${scenario.name}, ${SEED}=${seed}, the caller dies at call ${at}`;
    await using server = await dist.serve(['--engines', '1']);
    ours.add(server.pid);
    const file = join(work.path, `trace-${++count}`);
    const how = at === undefined ? [] : ['-e', `inject=all:signal=SIGKILL:when=${at}`];
    await give(named(scenario.argv), ['strace', '-o', file, ...how]);
    for (let tries = 0; server.status().idle === 0; tries++) {
      assert.ok(tries < 200 * PATIENCE, `${what}: the engine is idle again`);
      await setTimeout(50);
    }
    assert.equal(server.child.exitCode, null, what);
    await cleanUp(id, what);
    return callsIn(file);
  }

  for (const scenario of scenarios)
    for (const [victim, perform] of [
      ['engine', engineDies],
      ['caller', callerDies],
    ] as const)
      it(`${victim} of ${scenario.name}`, async (t) => {
        const calls = await perform(scenario);
        assert.ok(calls > 20, `${calls} calls`);
        const points = pointsAmong(calls);
        for (const at of points) await perform(scenario, at);
        t.diagnostic(`killed before ${points.length} of ${calls} calls; ${SEED}=${seed}`);
      });
});

/** Calls all over a command; the last of them too. */
function pointsAmong(calls: number): readonly number[] {
  if (exhaustive) return Array.from({ length: calls }, (_, i) => i + 1);
  const step = calls / KILLS;
  return Array.from({ length: KILLS }, (_, i) => 1 + Math.floor(i * step + ((seed * 7919) % 1000) * (step / 1000)));
}

const callsIn = (file: string): number =>
  textOf(file)
    .split('\n')
    .filter((line) => /^\w+\(/.test(line)).length;
