/**
 * docs/errors.md says what three runtimes say of the same faults. Ours is compared; a peer is, where its version is the
 * one of the document. `UPDATE=1` writes the document.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Config } from '../../spec/types.ts';
import { noContainers, workFolder } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { asCell, errorsDocument, normalised, type Row, type Section, sectionsOf } from './errors/document.ts';
import { FAULTS } from './errors/faults.ts';
import { type Command, placeBusybox, tryFault } from './errors/try.ts';
import { remainsAtLast } from './nothing-left.ts';

const FILE = new URL('../../docs/errors.md', import.meta.url);
const work = workFolder('errors');
const prefix = `runchart-test-${process.pid}-errors`;
const UPDATES = process.env.UPDATE === '1';

after(async () => {
  assert.deepEqual(await remainsAtLast(prefix, work.path), []);
  work.remove();
});

interface Runtime {
  readonly name: string;
  readonly command: Command;
  readonly folder: string;
}

/**
 * crun 1.8 runs no container on a host with v1 and v2 side by side. There it gets a mount namespace of its own, with v2
 * alone. Without rules for devices, since for those it raises a limit, which root may not do everywhere.
 */
const commandOf = (program: string): Command =>
  program === 'crun' && existsSync('/sys/fs/cgroup/memory')
    ? {
        words: ['unshare', '--mount', 'sh', '-c', 'mount -t cgroup2 none /sys/fs/cgroup && exec crun "$@"', 'sh'],
        changed: withoutDevices,
      }
    : { words: [program] };

function withoutDevices(config: Config): Config {
  const { devices: _, ...resources } = config.linux?.resources ?? {};
  return { ...config, linux: { ...config.linux, resources } };
}

/** Ours, and the peers that are installed. */
function runtimes(): readonly Runtime[] {
  const peers = ['runc', 'crun'].flatMap((program) => {
    const { stdout, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    const version = /version (\d+\.\d+(?:\.\d+)?)/.exec(stdout ?? '')?.[1];
    return error || version === undefined ? [] : [{ name: `${program} ${version}`, command: commandOf(program) }];
  });
  const ours = { name: 'runchart', command: { words: [RUNCHART] as const } };
  return [ours, ...peers].map((one) => {
    const folder = join(work.path, one.name.replace(' ', '-'));
    mkdirSync(folder);
    placeBusybox(folder);
    return { ...one, folder };
  });
}

test('docs/errors.md has what runtimes say', { skip: noContainers }, () => {
  const all = runtimes();
  const before = UPDATES ? [] : sectionsOf(readFileSync(FILE, 'utf8'));
  const sections: Section[] = [];
  for (const [index, fault] of FAULTS.entries()) {
    if (fault.skip) continue;
    const id = `${prefix}-${index}`;
    const rows = all.map(({ name, command, folder }): Row => {
      return { runtime: name, says: normalised(tryFault(command, folder, id, fault), id) };
    });
    const [ours] = rows;
    assert.ok(ours && ours.says !== 'it runs' && ours.says !== '', fault.title);
    sections.push({ title: fault.title, rows });
    if (UPDATES) continue;
    const documented = before.find(({ title }) => title === fault.title);
    assert.ok(documented, `${fault.title} is not in docs/errors.md: run this test with UPDATE=1`);
    if (fault.varies) continue;
    for (const { runtime, says } of rows) {
      const row: Row | undefined = documented.rows.find((one) => one.runtime === runtime);
      if (row !== undefined) assert.equal(asCell(says), row.says, `${fault.title}: ${runtime}: run this with UPDATE=1`);
    }
  }
  assert.ok(sections.length >= 30, `${sections.length} faults were tried`);
  if (UPDATES) writeFileSync(FILE, errorsDocument(sections));
});
