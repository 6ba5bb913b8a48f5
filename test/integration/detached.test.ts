/** Once a detached container runs, nothing of the runtime's is left in memory: there is the container's process alone. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { commandLine, RUNCHART } from './command-line.ts';
import { targetOf, textOf } from './gone-meanwhile.ts';
import { remainsAtLast } from './nothing-left.ts';

const PREFIX = `runchart-test-${process.pid}-detached-`;

describe('a detached container', { skip: noContainers }, () => {
  const work = workFolder('detached');
  const runchart = commandLine(RUNCHART, work.path);
  const config = shellConfig('');
  const bundle = makeBundle(join(work.path, 'bundle'), {
    ...config,
    process: { ...config.process, args: ['sleep', '1000'] },
  });

  after(async () => {
    assert.deepEqual(await remainsAtLast(PREFIX, work.path), []);
    work.remove();
  });

  for (const [title, start] of [
    ['run --detach', (id: string) => [['run', '--detach', '-b', bundle, id]]],
    [
      'create and start',
      (id: string) => [
        ['create', '-b', bundle, id],
        ['start', id],
      ],
    ],
    [
      'run --detach and exec --detach',
      (id: string) => [
        ['run', '--detach', '-b', bundle, id],
        ['exec', '--detach', id, 'sleep', '2000'],
      ],
    ],
  ] as const)
    it(`keeps no memory of the runtime's after ${title}`, () => {
      const id = `${PREFIX}${title.replaceAll(' ', '')}`;
      try {
        for (const argv of start(id)) assert.equal(runchart(...argv).status, 0);
        assert.deepEqual(ofTheRuntime(work.path, id), []);
        const programs = new Set(inCgroup(id).map((pid) => targetOf(`/proc/${pid}/exe`).split('/').at(-1)));
        assert.deepEqual(programs, new Set(['busybox']));
      } finally {
        runchart('delete', '--force', id);
      }
    });

  it('that is only created is kept by its init alone, which is small', () => {
    const id = `${PREFIX}created`;
    try {
      assert.equal(runchart('create', '-b', bundle, id).status, 0);
      const found = ofTheRuntime(work.path, id);
      assert.deepEqual(
        found.map(({ program }) => program),
        ['runchart-init'],
      );
      assert.ok(
        found.every(({ pss }) => pss < 100),
        `kB: ${found.map(({ pss }) => pss)}`,
      );
    } finally {
      runchart('delete', '--force', id);
    }
  });
});

/** Processes that run a program of ours for this container, and their proportional set size in kB. */
function ofTheRuntime(folder: string, id: string): readonly { readonly program: string; readonly pss: number }[] {
  const members = new Set(inCgroup(id));
  return processes().flatMap((pid) => {
    const exe = targetOf(`/proc/${pid}/exe`);
    const engine = exe.startsWith(`${dirname(RUNCHART)}/`) && textOf(`/proc/${pid}/cmdline`).includes(`${folder}/`);
    const init = exe.startsWith('/memfd:runchart') && members.has(pid);
    if (!engine && !init) return [];
    const program = exe.replace(/^.*[/:]/, '').replace(/ \(deleted\)$/, '');
    return [{ program, pss: Number(/^Pss: +(\d+) kB$/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1]) }];
  });
}

const inCgroup = (id: string): readonly string[] =>
  processes().filter((pid) => new RegExp(`/${id}$`, 'm').test(textOf(`/proc/${pid}/cgroup`)));

const processes = (): readonly string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));
