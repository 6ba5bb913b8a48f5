/**
 * `conform` finds faults that are planted: a runtime that is ours but for one lie, by a shell script around it. And it
 * cleans up whatever such a runtime leaves.
 */

import assert from 'node:assert/strict';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Lab } from '../../conform/lab/lab.ts';
import { leftovers } from '../../conform/lab/look.ts';
import type { Profile } from '../../conform/model/model.ts';
import { nameOf, type Step } from '../../conform/model/steps.ts';
import { playRandom } from '../../conform/random.ts';
import { Run } from '../../conform/run.ts';
import { noContainers, workFolder } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';

const skip = noContainers;
const work = workFolder(`${process.pid}-faults`);
after(() => work.remove());

/**
 * A runtime that is ours, but for some commands. In the script, `$command` is the command, `$root` the state root, `$@`
 * all arguments, and `real` calls ours.
 */
function faulty(name: string, script: string): string {
  const path = join(work.path, name);
  const lines = [
    '#!/bin/sh',
    'root=$2 command=$3',
    `real() { ${RUNCHART} "$@"; }`,
    // cgroup v1 or v2: a hierarchy in which containers have their cgroup.
    'hierarchy=/sys/fs/cgroup; test -e $hierarchy/cgroup.controllers || hierarchy=$hierarchy/pids',
    script,
    `exec ${RUNCHART} "$@"`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Does something with a run of a faulty runtime. Nothing may be left after it. */
async function withRun(program: string, profile: Profile, act: (run: Run) => Promise<void>, patience = 10_000) {
  const lab = new Lab({
    program,
    parent: work.path,
    env: process.env,
    pid: process.pid,
    patience: patience * PATIENCE,
  });
  try {
    const run = new Run(lab, profile, new AbortController().signal);
    await act(run);
    assert.deepEqual(leftovers(lab), []);
  } finally {
    lab.remove();
  }
  assert.deepEqual(await remainsAtLast(lab.cgroup.name, lab.folder), []);
  assert.deepEqual(
    readdirSync(work.path).filter((name) => name.startsWith('runchart-conform')),
    [],
  );
}

/** It makes a sequence with `pause` and then `events`, soon. */
const SEED = 15;

const create: Step = { ask: 'create', bundle: 'plain' };
const start: Step = { ask: 'start' };
const kill: Step = { ask: 'kill', signal: 'KILL' };
const remove: Step = { ask: 'delete' };
const life = [create, start, kill, remove];

/** Each fault with what shows it, and what is found: rule, case, what is seen. */
const FAULTS: readonly (readonly [string, string, readonly Step[], readonly (readonly [string, string, RegExp])[]])[] =
  [
    [
      'an exit status of 0 for what is refused',
      'if [ $command = start ]; then real "$@"; exit 0; fi',
      [create, start, start],
      [['startRefused', 'start of a running container', /^exit status 0$/]],
    ],
    [
      'an exit status of 1 for what was done',
      'if [ $command = kill ]; then real "$@"; echo oops >&2; exit 1; fi',
      [create, start, kill],
      [['signals', 'kill KILL of a running container', /^exit status 1 \(oops\)$/]],
    ],
    [
      'a state that lies about the status',
      `if [ $command = state ]; then real "$@" | sed 's/"running"/"created"/'; exit 0; fi`,
      [create, start],
      [['running', 'start of a created container', /^created/]],
    ],
    [
      'a state that lies about the pid, and is not all there',
      `if [ $command = state ]; then out=$(real "$@") || exit 1; ` +
        `echo "$out" | sed 's/"pid": [0-9]*/"pid": 1/; s/"bundle"/"bundlePath"/'; exit 0; fi`,
      [create],
      [
        ['stateForm', 'bundle of a created container', /^nothing$/],
        ['bundle', 'a created container', /^nothing$/],
        ['pid', 'a created container', /^1$/],
      ],
    ],
    [
      'a cgroup that is left',
      'if [ $command = delete ]; then real "$@" || exit 1; ' +
        `mkdir $hierarchy/runchart-conform-${process.pid}; exit 0; fi`,
      life,
      [['deletes', 'what delete of a stopped container leaves', /^the cgroup .*…$/]],
    ],
    [
      'a process that is left',
      'if [ $command = delete ]; then real "$@" || exit 1; sh -c "sleep 1000; : $root" > /dev/null 2>&1 & exit 0; fi',
      life,
      [['deletes', 'what delete of a stopped container leaves', /^process \d+$/]],
    ],
    [
      'a directory that is left',
      'if [ $command = delete ]; then real "$@" || exit 1; mkdir $root/c1; exit 0; fi',
      life,
      [['deletes', 'what delete of a stopped container leaves', /^the directory c1 in its state root$/]],
    ],
    [
      'a program that runs before its start',
      `if [ $command = create ]; then real "$@" && touch $(dirname $root)/bundles/conform/started; exit $?; fi`,
      [create],
      [['waits', 'a created container', /^it has run$/]],
    ],
    [
      'a container that is deleted though it runs',
      'if [ $command = delete ]; then real --root $root delete --force c1; exit 1; fi',
      [create, start, remove],
      [['deleteRefused', 'delete of a running container', /^no container$/]],
    ],
    [
      'a hook that does not run',
      `if [ $command = create ]; then config=$(echo "$@" | sed 's/.*--bundle \\([^ ]*\\).*/\\1/')/config.json; ` +
        `sed -i 's/"createRuntime": \\[/"nothing": [/' $config; fi`,
      [{ ask: 'create', bundle: 'hooks' }],
      [['hooksOrder', 'createRuntime in create', /^it does not$/]],
    ],
    [
      'a list that shows nothing',
      'if [ $command = list ]; then echo null; exit 0; fi',
      [create],
      [['listed', 'a created container', /^nothing$/]],
    ],
  ];

describe('conform finds', { skip }, () => {
  for (const [fault, script, steps, expected] of FAULTS)
    it(fault, async () => {
      await withRun(faulty(`fault-${FAULTS.findIndex(([name]) => name === fault)}`, script), 'runc', async (run) => {
        await run.sequence(steps);
        const found = [...run.deviations.values()];
        assert.deepEqual(
          found.map(({ rule, about }) => [rule, about]),
          expected.map(([rule, about]) => [rule, about]),
          JSON.stringify(found),
        );
        for (const [index, [, , seen]] of expected.entries()) assert.match(found[index]?.seen ?? '', seen);
        assert.ok(found.every((deviation) => deviation.steps.length === steps.length));
      });
    });

  it('a command that does not end, and ends it', async () => {
    const program = faulty('hangs', 'if [ $command = kill ]; then exec sleep 1000; fi');
    const act = async (run: Run) => {
      await run.sequence([create, kill]);
      const [deviation] = run.deviations.values();
      assert.deepEqual([deviation?.rule, deviation?.about], ['answers', 'kill KILL of a created container']);
    };
    await withRun(program, 'spec', act, 500);
  });
});

describe('sequences by chance', { skip }, () => {
  it('are shrunk to the shortest that shows the fault', async () => {
    const marker = '$root/../paused';
    const script = [
      `case $command in create | run) rm -f ${marker} ;; pause) touch ${marker} ;; esac`,
      `if [ $command = events ] && [ -e ${marker} ]; then exit 1; fi`,
    ];
    await withRun(faulty('forgets', script.join('\n')), 'runc', async (run) => {
      await playRandom(run, { seed: SEED, runs: 6 }, () => {});
      const found = [...run.deviations.values()];
      assert.deepEqual([...new Set(found.map(({ rule }) => rule))], ['permits'], JSON.stringify(found));
      const [shortest] = found
        .map(({ steps }) => steps.map(nameOf))
        .toSorted((one, other) => one.length - other.length);
      assert.equal(shortest?.length, 3, String(shortest));
      assert.deepEqual(shortest?.slice(1), ['pause', 'events']);
    });
  });

  it('are the same for the same seed', async () => {
    const played: string[] = [];
    for (let round = 0; round < 2; round++)
      await withRun(RUNCHART, 'spec', async (run) => {
        await playRandom(run, { seed: 11, runs: 2 }, () => {});
        played.push(JSON.stringify([run.steps, [...run.taken], [...run.counts]]));
      });
    assert.equal(played[0], played[1]);
    assert.match(played[0] ?? '', /absent create/);
  });
});
