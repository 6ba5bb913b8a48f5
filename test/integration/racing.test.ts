/** All commands work on one container at the same time, in random order. Each ends as expected, and nothing is left. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { atOnce, eachOf } from './at-once.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { type Ended, messageOf } from './command-line.ts';
import { proc } from './containers.ts';
import { generator } from './generator.ts';
import { lives, resting, until } from './lives.ts';

const seed = Number(process.env.RUNCHART_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const AT_A_TIME = 6;

/** What a command may say when another one was faster. */
const EXPECTED: readonly RegExp[] = [
  /^container does not exist: /,
  /^container not (running|paused)$/,
  /^cannot start (an already running container|a container that has stopped|a container in the \w+ state)$/,
  /^cannot exec in a (paused|stopped|creating) container/,
  /^container with given ID already exists$/,
  /^container with id \S+ is not running$/,
  /^cannot delete container \S+ that is not stopped: \w+$/,
  // In a v2 view of a host whose controllers belong to v1.
  /: controller "(cpu|pids)" not available: ENOENT: no such file or directory$/,
];

/** What a command may say when another one deletes its container meanwhile. */
const TAKEN_AWAY: readonly RegExp[] = [
  /^container's cgroup is not empty: \d+ process\(es\) found$/,
  /the (init|stage|exec) process ended before it answered$/,
  /^unable to start container process: join the container's namespaces: ESRCH: no such process$/,
  // `delete --force` thaws the processes that it kills, and so does `kill KILL` on v1.
  /^unexpected state THAWED while freezing$/,
  // The cgroup is gone.
  /(write|read|open|adding pid to cgroups:) .*\/sys\/fs\/cgroup\/.*: ENOENT: no such file or directory$/,
  /(write|read|open|adding pid to cgroups:) .*\/sys\/fs\/cgroup\/.*: ENODEV: no such device$/,
];

describe('commands that race on one container', { skip: noContainers }, () => {
  const host = lives('racing');
  const { runchart } = host;
  const run = atOnce(runchart, host.path);
  // `list` needs a state root, and the first container would only make it later.
  mkdirSync(runchart.root);
  after(() => host.close());

  type Check = (ended: Ended) => void;
  const silent: Check = ({ stdout, stderr }) => assert.deepEqual([stdout, stderr], ['', '']);
  const json: Check = ({ stdout, stderr }) => {
    assert.equal(stderr, '');
    JSON.parse(stdout);
  };

  it('on a container that lives: each command does its work or says why not', async (t) => {
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, shellConfig('trap : USR1; while :; do sleep 0.05; done'));
    const commands: readonly (readonly [readonly string[], Check])[] = [
      [['pause', id], silent],
      [['resume', id], silent],
      [['resume', id], silent],
      [['kill', id, 'USR1'], silent],
      [['kill', '--all', id, 'WINCH'], silent],
      [['exec', '--ignore-paused=false', id, 'sh', '-c', 'echo in; exit 7'], ranIn],
      [['exec', id, 'sh', '-c', 'echo in; exit 7'], ranIn],
      [['exec', '-d', id, 'true'], silent],
      [['update', '--pids-limit', '500', id], silent],
      [['update', '--cpu-share', '700', id], silent],
      [['delete', id], silent],
      [['start', id], silent],
      [['state', id], json],
      [['list', '-f', 'json'], json],
      [['ps', '-f', 'json', id], json],
      [['ps', id], ({ stdout }) => assert.match(stdout, /^UID /)],
      [['events', '--stats', id], json],
      [['run', '-d', '-b', bundle, id], silent],
    ];
    assert.equal(runchart('run', '-d', '-b', bundle, id).status, 0);
    const said = await resuming(id, () => race(run, commands, 120));
    t.diagnostic(`${said}; RUNCHART_TEST_SEED=${seed}`);
    runchart('resume', id);
    assert.equal(JSON.parse(runchart('state', id).stdout).status, 'running');
    assert.equal(runchart('exec', id, 'sh', '-c', 'exit 7').status, 7);
    assert.equal(runchart('delete', '--force', id).status, 0);
  });

  it('on a container that comes and goes', async (t) => {
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, shellConfig('exec sleep 1000'));
    const commands: readonly (readonly [readonly string[], Check])[] = [
      [['run', '-d', '-b', bundle, id], silent],
      [['create', '-b', bundle, id], silent],
      [['create', '-b', bundle, id], silent],
      [['start', id], silent],
      [['start', id], silent],
      [['kill', id, 'KILL'], silent],
      [['delete', id], silent],
      [['delete', '--force', id], silent],
      [['delete', '--force', id], silent],
      [['exec', id, 'true'], silent],
      [['pause', id], silent],
      [['resume', id], silent],
      [['update', '--pids-limit', '500', id], silent],
      [['state', id], json],
      [['list', '-f', 'json'], json],
      [['ps', '-f', 'json', id], json],
      [['events', '--stats', id], json],
    ];
    const said = await resuming(id, () => race(run, commands, 200, TAKEN_AWAY));
    t.diagnostic(`${said}; RUNCHART_TEST_SEED=${seed}`);
    assert.equal(runchart('delete', '--force', id).status, 0);
    await until('it is gone', () => !runchart('list', '-q').stdout.split('\n').includes(id));
  });

  it('a paused container stays paused, whatever signals it gets', async () => {
    const { id } = host.start(shellConfig('trap : USR1; while :; do sleep 0.05; done'));
    for (let round = 0; round < 20; round++) {
      const [paused] = await Promise.all([run('pause', id), run('kill', '--all', id, 'USR1'), run('state', id)]);
      assert.deepEqual(paused, { status: 0, stdout: '', stderr: '' });
      assert.equal(JSON.parse(runchart('state', id).stdout).status, 'paused');
      assert.equal(runchart('resume', id).status, 0);
    }
  });

  it('a container that is killed while it is paused ends', async () => {
    for (let round = 0; round < 20; round++) {
      const { id, pid } = host.start(resting());
      const [paused, killed] = await Promise.all([run('pause', id), run('kill', id, 'KILL')]);
      assert.deepEqual(killed, { status: 0, stdout: '', stderr: '' });
      if (paused.status !== 0)
        assert.match(messageOf(paused), /container not running$|unexpected state THAWED while freezing$/);
      await until('it ends', () => !existsSync(`/proc/${pid}`) || /\) Z /.test(proc(pid, 'stat')));
      assert.equal(runchart('delete', id).status, 0);
    }
  });

  /** Resumes the container again and again: an `exec` that joins a container while it is paused waits for that. */
  async function resuming<T>(id: string, act: () => Promise<T>): Promise<T> {
    let over = false;
    const loop = (async () => {
      for (; !over; await setTimeout(100)) await run('resume', id);
    })();
    try {
      return await act();
    } finally {
      over = true;
      await loop;
    }
  }

  const ranIn: Check = ({ stdout, stderr }) => assert.deepEqual([stdout, stderr], ['in\n', '']);
});

/** @returns how often each command ended in which way, as text for people */
async function race(
  run: (...argv: readonly string[]) => Promise<Ended>,
  commands: readonly (readonly [readonly string[], (ended: Ended) => void])[],
  times: number,
  alsoExpected: readonly RegExp[] = [],
): Promise<string> {
  const counts = new Map<string, number>();
  const note = ([command]: readonly string[], end: string) =>
    counts.set(`${command} ${end}`, (counts.get(`${command} ${end}`) ?? 0) + 1);
  const expected = [...EXPECTED, ...alsoExpected];
  const unexpected: string[] = [];
  const random = generator(seed);
  const chosen = Array.from({ length: times }, () => commands[Math.floor(random() * commands.length)] ?? commands[0]);
  await eachOf(chosen, AT_A_TIME, async (one) => {
    if (one === undefined) return;
    const [argv, check] = one;
    const ended = await run(...argv);
    if (ended.stderr === '') {
      const killed = argv[0] === 'exec' && ended.status === 128 + 9 && alsoExpected.length > 0;
      if (!killed) assert.equal(ended.status, argv.at(-1)?.endsWith('exit 7') ? 7 : 0);
      check(ended);
      note(argv, 'done');
      return;
    }
    const message = messageOf(ended).replace(/^(runchart \w+|exec) failed: /, '');
    if (!expected.some((one) => one.test(message))) unexpected.push(`${argv[0]}: ${ended.status} ${message}`);
    assert.equal(ended.status, argv[0] === 'exec' ? 255 : 1);
    note(argv, 'refused');
  });
  assert.deepEqual(unexpected, []);
  return [...counts].map(([what, count]) => `${what} ${count}`).join(', ');
}
