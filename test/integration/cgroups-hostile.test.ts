/** What a container that may write to its own cgroup can make of it: its processes are still found, and it still comes to its end. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { isCgroupError } from '../../effects/cgroups/files.ts';
import { killAll } from '../../effects/cgroups/kill.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { members } from '../../effects/cgroups/members.ts';
import { directoriesOf, memberDirectory } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { proc } from './containers.ts';
import { type Life, lives, until } from './lives.ts';

const local = localKernel(loadLibc());
const layout = noContainers ? undefined : detectLayout(local);
const v2 = layout?.mode === 'v2';
/** Where the container finds the cgroup whose processes are taken for its own. */
const MEMBERS = v2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/devices';
const FREEZER = v2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/freezer';
const FREEZE = v2 ? '1 > cgroup.freeze' : 'FROZEN > freezer.state';

/** A container that may write to its cgroup; it is done with the script once it has become `sleep`. */
function writing(script: string, cgroupsPath: string): Config {
  const config = shellConfig(`${script}\nexec sleep 1000`);
  const { mounts = [], linux = {} } = config;
  return {
    ...config,
    mounts: mounts.map((one) =>
      one.destination === '/sys/fs/cgroup'
        ? { ...one, options: (one.options ?? []).filter((option) => option !== 'ro') }
        : one,
    ),
    linux: {
      ...linux,
      cgroupsPath,
      namespaces: [...(linux.namespaces ?? []).filter(({ type }) => type !== 'cgroup'), { type: 'cgroup' }],
    },
  };
}

interface Hostile extends Life {
  readonly cgroup: CgroupRecord;
}

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const isFrozen = (directory: string): boolean =>
  read(`${directory}/freezer.state`) === 'FROZEN\n' || read(`${directory}/cgroup.events`).includes('frozen 1');

describe('a container that may write to its cgroup', { skip: noContainers }, () => {
  const host = lives('cgroups-hostile');
  const { runchart } = host;
  after(() => host.close());

  let count = 0;
  function begin(script: string): Hostile {
    const cgroupsPath = `/runchart-test-${process.pid}-hostile-${++count}`;
    const life = host.start(writing(script, cgroupsPath));
    return { ...life, cgroup: planCgroup({ cgroupsPath, id: life.id, layout: detectLayout(local) }) };
  }
  async function start(script: string): Promise<Hostile> {
    const life = begin(script);
    await until('the script has come to its end', () => proc(life.pid, 'comm').trim() === 'sleep');
    return life;
  }
  const pidsOf = (id: string): number[] => JSON.parse(runchart('ps', '--format', 'json', id).stdout).toSorted();
  const succeed = (...argv: string[]) => assert.deepEqual(runchart(...argv), { status: 0, stdout: '', stderr: '' });
  function deleteAll({ id, cgroup }: Hostile): void {
    succeed('delete', '--force', id);
    assert.deepEqual(directoriesOf(cgroup).filter(existsSync), []);
  }

  it('nests cgroups until their paths are too long', async () => {
    const name = 'n'.repeat(200);
    const life = await start(
      `cd ${MEMBERS}; for i in $(seq 100); do mkdir ${name} && cd -P ${name} 2>/dev/null || exit 1; done
       sleep 1000 & echo $! > cgroup.procs; echo 0 > cgroup.procs`,
    );
    const { id, pid } = life;
    assert.equal(pidsOf(id).length, 2);
    succeed('pause', id);
    assert.equal(pidsOf(id).length, 2);
    succeed('resume', id);
    const { unified, pids } = life.cgroup.paths;
    if (existsSync(`${v2 ? unified : pids}/pids.max`)) succeed('update', '--pids-limit', '77', id);
    // The first process of a pid namespace ignores what it does not handle.
    succeed('kill', '--all', id, 'TERM');
    await until('the other one has ended', () => pidsOf(id).length === 1);
    assert.deepEqual(pidsOf(id), [pid]);
    succeed('kill', '--all', id, 'KILL');
    await until('it has ended', () => JSON.parse(runchart('state', id).stdout).status === 'stopped');
    deleteAll(life);
  });

  it('makes a thousand cgroups beside each other, some with children', async () => {
    const life = await start(
      `cd ${MEMBERS}; i=0; while [ $i -lt 1000 ]; do mkdir $i || exit 1; i=$((i+1)); done
       mkdir 77/a 77/b 999/a; sleep 1000 & echo $! > 77/b/cgroup.procs`,
    );
    assert.equal(pidsOf(life.id).length, 2);
    deleteAll(life);
  });

  it('gives cgroups names that are not UTF-8', async () => {
    const life = await start(
      `cd ${MEMBERS}; for name in '\\377\\376' '\\357\\273\\277bom' '\\033[2J'; do
         mkdir "$(printf $name)" && mkdir "$(printf $name)/below" || exit 1
         sleep 1000 & echo $! > "$(printf $name)/below/cgroup.procs"
       done`,
    );
    assert.equal(pidsOf(life.id).length, 4);
    deleteAll(life);
  });

  it('makes threaded cgroups, and limits what may be below its own', {
    skip: !v2 && 'v1 has neither',
  }, async () => {
    const life = await start(
      `cd ${MEMBERS}; sleep 1000 & mkdir below; echo threaded > below/cgroup.type || exit 1
       echo $! > below/cgroup.threads; echo 0 > cgroup.max.depth; echo 0 > cgroup.max.descendants`,
    );
    const { id, pid } = life;
    assert.equal(pidsOf(id).length, 2);
    succeed('pause', id);
    succeed('resume', id);
    assert.equal(runchart('exec', id, 'true').status, 0);
    succeed('kill', '--all', id, 'TERM');
    await until('the other one has ended', () => pidsOf(id).length === 1);
    assert.deepEqual(pidsOf(id), [pid]);
    succeed('kill', '--all', id, 'KILL');
    await until('it has ended', () => JSON.parse(runchart('state', id).stdout).status === 'stopped');
    deleteAll(life);
  });

  for (const [what, who] of [
    ['another process', '$!'],
    ['its first process', '1'],
  ] as const)
    for (const command of ['kill', 'delete'] as const)
      it(`freezes ${what} in a cgroup below its own, and is ended by ${command}`, async () => {
        const life = begin(
          `cd ${FREEZER}; mkdir below; cd below; sleep 1000 &
           (echo ${who} > cgroup.procs; echo ${FREEZE}) & wait`,
        );
        const { id, cgroup } = life;
        const { freezer, unified } = cgroup.paths;
        await until('it is frozen', () => isFrozen(`${v2 ? unified : freezer}/below`));
        if (command === 'kill') {
          succeed('kill', id, 'KILL');
          await until('it has ended', () => JSON.parse(runchart('state', id).stdout).status === 'stopped');
        }
        deleteAll(life);
      });

  it('freezes its first process again as soon as it is thawed', async () => {
    const life = begin(
      `cd ${FREEZER}; mkdir below; cd below
       (echo 1 > cgroup.procs; for i in 1 2 3 4 5 6; do (while :; do echo ${FREEZE}; done) & done; wait) & wait`,
    );
    const { freezer, unified } = life.cgroup.paths;
    await until('it is frozen', () => isFrozen(`${v2 ? unified : freezer}/below`));
    deleteAll(life);
  });
});

describe('a cgroup', { skip: noContainers }, () => {
  let count = 0;
  const plan = (): CgroupRecord =>
    planCgroup({
      cgroupsPath: `/runchart-test-${process.pid}-odd-${++count}`,
      id: 'unused',
      layout: detectLayout(local),
    });

  it('with threads in a cgroup of their own has each process once, and none of them as a process', async (t) => {
    const mountpoint = layout?.unified?.mountpoint;
    if (mountpoint === undefined) return t.skip('this host has no cgroup v2');
    const directory = `${mountpoint}/runchart-test-${process.pid}-threads`;
    const record: CgroupRecord = { layout: 'v2', driver: 'fs', paths: { unified: directory } };
    const idle = 'setInterval(() => {}, 1000)';
    const workers = `for (const _ of [1, 2]) new (require('worker_threads').Worker)('${idle}', { eval: true }); ${idle}`;
    const child = spawn(process.execPath, ['-e', workers], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const pid = child.pid ?? 0;
    try {
      mkdirSync(`${directory}/threads/below`, { recursive: true });
      writeFileSync(`${directory}/cgroup.procs`, `${pid}`);
      writeFileSync(`${directory}/threads/cgroup.type`, 'threaded');
      writeFileSync(`${directory}/threads/below/cgroup.type`, 'threaded');
      const tasks = () => readdirSync(`/proc/${pid}/task`).filter((tid) => tid !== `${pid}`);
      await until('it has threads', () => tasks().length > 2);
      const [first = '', second = ''] = tasks();
      writeFileSync(`${directory}/threads/cgroup.threads`, first);
      writeFileSync(`${directory}/threads/below/cgroup.threads`, second);
      assert.deepEqual(members(local, record), [pid]);
      killAll(local, record);
      assert.deepEqual(await ended, [null, 'SIGKILL']);
    } finally {
      child.kill('SIGKILL');
      await ended;
      removeCgroup(local, record);
    }
    assert.equal(existsSync(directory), false);
  });

  it('in which somebody goes on making cgroups is removed, or the removal gives up', async () => {
    const record = plan();
    const directory = memberDirectory(record) ?? '';
    mkdirSync(directory);
    const script = `cd ${directory} && while :; do mkdir -p $$/a/b/c/d/e/f; rmdir $$/a/b/c/d/e/f; done 2>/dev/null`;
    // Not in the cgroup themselves: nobody ends them.
    const makers = [1, 2].map(() => spawn('sh', ['-c', script], { stdio: 'ignore' }));
    const ended = makers.map((maker) => once(maker, 'exit'));
    try {
      await until('one makes some', () => makers.some(({ pid }) => existsSync(`${directory}/${pid}/a/b`)));
      try {
        removeCgroup(local, record);
      } catch (error) {
        assert.ok(isCgroupError(error, 'EBUSY'), String(error));
      }
    } finally {
      for (const maker of makers) maker.kill('SIGKILL');
      await Promise.all(ended);
    }
    removeCgroup(local, record);
    assert.equal(existsSync(directory), false);
  });
});
