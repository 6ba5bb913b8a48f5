/**
 * Intel RDT with a tree that is made to look like resctrl, since few CPUs have it. The runtime finds it by the mount
 * table, which it reads in a mount namespace of its own. The test does what the kernel would do there: files come and
 * go with their directory.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import type { IntelRdt } from '../../spec/types.ts';
import { noContainers } from './bundle.ts';
import { type Ended, messageOf, RUNCHART } from './command-line.ts';
import { counting, noCriu, provideCriu } from './criu.ts';
import { lives, resting } from './lives.ts';

/** With another line in the mount table of the process that becomes the runtime. */
const DISGUISE = `cat /proc/self/mountinfo > "$0" && echo "9999 1 0:999 / $1 rw - resctrl resctrl rw" >> "$0" &&
mount --bind "$0" /proc/$$/mountinfo && shift && exec "$@"`;

describe('Intel RDT', {
  skip: noContainers || (existsSync('/sys/fs/resctrl/schemata') && 'resctrl is really mounted here'),
}, () => {
  const host = lives('resctrl');
  const tree = join(host.path, 'a tree');
  const at = (...names: string[]): string => join(tree, ...names);
  const read = (...names: string[]): string => readFileSync(at(...names), 'utf8');
  after(() => host.close());
  let count = 0;

  function put(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(at(name), '..'), { recursive: true });
      writeFileSync(at(name), text);
    }
  }
  beforeEach(() => {
    rmSync(tree, { recursive: true, force: true });
    put({
      tasks: '',
      schemata: '    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n',
      'mon_groups/.keep': '',
      'info/last_cmd_status': 'ok\n',
      'info/L3/cbm_mask': 'fffff\n',
      'info/L3/min_cbm_bits': '1\n',
      'info/L3/num_closids': '16\n',
      'info/MB/bandwidth_gran': '10\n',
      'info/MB/delay_linear': '1\n',
      'info/MB/min_bandwidth': '10\n',
      'info/MB/num_closids': '8\n',
      'info/L3_MON/mon_features': 'llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n',
    });
  });

  /** A command that sees the tree. */
  function runchart(...argv: string[]): Ended {
    const [table, out, err] = ['table', 'out', 'err'].map((end) => join(host.path, `${++count}.${end}`));
    // In the mount table a space is written so.
    const shown = tree.replaceAll(' ', '\\040');
    const script = `exec > ${out} 2> ${err}; ${DISGUISE}`;
    const command = ['-c', script, `${table}`, shown, RUNCHART, '--root', host.runchart.root, ...argv];
    const { status } = spawnSync('unshare', ['--mount', 'bash', ...command], { stdio: 'ignore' });
    return { status, stdout: readFileSync(`${out}`, 'utf8'), stderr: readFileSync(`${err}`, 'utf8') };
  }
  function bundle(intelRdt: IntelRdt): readonly [id: string, path: string] {
    const id = host.idFor(host.runchart);
    const config = resting();
    return [id, host.bundle(id, { ...config, linux: { ...config.linux, intelRdt } })];
  }
  function start(intelRdt: IntelRdt): { readonly id: string; readonly pid: number } {
    const [id, path] = bundle(intelRdt);
    const { status, stderr } = runchart('run', '--detach', '--bundle', path, id);
    assert.equal(status, 0, stderr);
    return { id, pid: JSON.parse(host.runchart('state', id).stdout).pid };
  }
  function refused(intelRdt: IntelRdt, message: RegExp): void {
    const [id, path] = bundle(intelRdt);
    const ended = runchart('create', '--bundle', path, id);
    assert.equal(ended.status, 1);
    assert.match(messageOf(ended), message);
    assert.match(messageOf(host.runchart('state', id)), /does not exist/);
  }
  /** The kernel's files of a group go with it. */
  function empty(...group: string[]): void {
    for (const name of ['tasks', 'schemata']) rmSync(at(...group, name), { force: true });
  }

  it('gives a container a group of its name, with its limits, and takes it away', () => {
    const { id, pid } = start({
      l3CacheSchema: 'L3:0=f;1=f0',
      memBwSchema: 'MB:0=20;1=70',
      schemata: ['L2:0=3', 'L3:0=ff'],
    });
    assert.equal(read(id, 'schemata'), 'L3:0=f;1=f0\nMB:0=20;1=70\nL2:0=3\nL3:0=ff\n');
    assert.equal(read(id, 'tasks'), String(pid));
    const file = join(host.path, 'pid');
    assert.equal(runchart('exec', '--detach', '--pid-file', file, id, 'sleep', '1000').status, 0);
    assert.equal(read(id, 'tasks'), readFileSync(file, 'utf8'));
    empty(id);
    assert.equal(runchart('delete', '--force', id).status, 0);
    assert.equal(existsSync(at(id)), false);
    assert.equal(read('tasks'), '');
  });

  it('leaves a group that was there, and takes away what counts for the container alone', () => {
    put({ 'gold/tasks': '', 'gold/schemata': 'L3:0=0000f;1=fffff\nMB:0= 100;1= 100\n', 'gold/mon_groups/.keep': '' });
    // As it is, by value: nothing is written where nothing is asked for.
    const same = start({ closID: 'gold', l3CacheSchema: 'L3:0=f', enableMonitoring: true });
    assert.equal(read('gold', 'tasks'), String(same.pid));
    assert.equal(read('gold/mon_groups', same.id, 'tasks'), String(same.pid));
    assert.equal(read('gold', 'schemata'), 'L3:0=f\n');
    const plain = start({ closID: 'gold' });
    assert.equal(read('gold', 'schemata'), 'L3:0=f\n');
    assert.equal(read('gold', 'tasks'), String(plain.pid));
    empty('gold/mon_groups', same.id);
    for (const { id } of [same, plain]) assert.equal(runchart('delete', '--force', id).status, 0);
    assert.deepEqual(readdirSync(at('gold/mon_groups')), ['.keep']);
    assert.ok(existsSync(at('gold/tasks')));
    const named = start({ closID: 'silver', schemata: ['MB:0=50'] });
    runchart('delete', '--force', named.id);
    assert.equal(read('silver/schemata'), 'MB:0=50\n', 'a group that the config names stays');
    const root = start({ closID: '/' });
    assert.equal(read('tasks'), String(root.pid));
  });

  it('is made again for a restored container, whose processes are in it by way of CRIU', { skip: noCriu() }, () => {
    provideCriu(host.path);
    const id = host.idFor(host.runchart);
    const config = counting();
    config.linux = { ...config.linux, intelRdt: { l3CacheSchema: 'L3:0=f' } };
    const bundle = ['--bundle', host.bundle(id, config)];
    const images = ['--image-path', join(host.path, 'images')];
    const well = (...argv: string[]) => assert.deepEqual(runchart(...argv), { status: 0, stdout: '', stderr: '' });
    well('run', '--detach', ...bundle, id);
    well('checkpoint', '--leave-running', ...images, id);
    empty(id);
    well('delete', '--force', id);
    assert.ok(!existsSync(at(id)));
    well('restore', '--detach', ...bundle, ...images, id);
    assert.equal(read(id, 'schemata'), 'L3:0=f\n');
    assert.match(read(id, 'tasks'), /^\d+$/);
    empty(id);
    well('delete', '--force', id);
    assert.ok(!existsSync(at(id)));
  });

  it('changes limits, and tells them with what is counted', () => {
    const { id } = start({ l3CacheSchema: 'L3:0=f' });
    assert.equal(runchart('update', '--l3-cache-schema', 'L3:0=ff', '--mem-bw-schema', 'MB:0=30', id).status, 0);
    assert.equal(read(id, 'schemata'), 'L3:0=ff\nMB:0=30\n');
    assert.equal(runchart('update', '--mem-bw-schema', 'MB:0=40', '--pids-limit', '77', id).status, 0);
    assert.equal(read(id, 'schemata'), 'L3:0=ff\nMB:0=40\n');
    put({
      [`${id}/mon_data/mon_L3_01/llc_occupancy`]: '18446744073709551614\n',
      [`${id}/mon_data/mon_L3_01/mbm_total_bytes`]: '7\n',
      [`${id}/mon_data/mon_L3_01/mbm_local_bytes`]: '8\n',
      [`${id}/mon_data/mon_L3_00/llc_occupancy`]: '1\n',
      [`${id}/mon_data/mon_L3_00/mbm_total_bytes`]: '2\n',
      [`${id}/mon_data/mon_L3_00/mbm_local_bytes`]: '3\n',
    });
    const { stdout } = runchart('events', '--stats', id);
    assert.match(stdout, /"llc_occupancy":18446744073709551614\b/);
    assert.deepEqual(JSON.parse(stdout.replace('18446744073709551614', '5')).data.intel_rdt, {
      l3_cache_info: { cbm_mask: 'fffff', min_cbm_bits: 1, num_closids: 16 },
      l3_cache_schema_root: 'L3:0=fffff;1=fffff',
      l3_cache_schema: 'L3:0=ff',
      mem_bw_info: { bandwidth_gran: 10, delay_linear: 1, min_bandwidth: 10, num_closids: 8 },
      mem_bw_schema_root: 'MB:0=100;1=100',
      mem_bw_schema: 'MB:0=40',
      schemata: ['L3:0=ff', 'MB:0=40'],
      mbm_stats: [
        { mbm_total_bytes: 2, mbm_local_bytes: 3 },
        { mbm_total_bytes: 7, mbm_local_bytes: 8 },
      ],
      cmt_stats: [{ llc_occupancy: 1 }, { llc_occupancy: 5 }],
    });
    rmSync(at(id, 'mon_data'), { recursive: true });
    // What cannot be written: the limits before are in force, those of the cgroup too.
    rmSync(at(id, 'schemata'));
    mkdirSync(at(id, 'schemata'));
    const failed = runchart('update', '--l3-cache-schema', 'L3:0=1', '--pids-limit', '78', id);
    assert.equal(failed.status, 1);
    assert.match(
      messageOf(failed),
      /intelrdt: unable to write "L3:0=1\\nMB:0=40\\n": EISDIR: is a directory, last_cmd_status: ok$/,
    );
    rmSync(at(id, 'schemata'), { recursive: true });
    put({ [`${id}/schemata`]: '' });
    assert.equal(JSON.parse(runchart('events', '--stats', id).stdout).data.pids.limit, 77);
    empty(id);
  });

  it('refuses what cannot be, in runc’s words, and leaves nothing', () => {
    put({ 'gold/tasks': '', 'gold/schemata': 'L3:0=0000f;1=fffff\n' });
    refused(
      { closID: 'missing' },
      /clos dir not accessible \(must be pre-created when schemata, l3CacheSchema and memBwSchema are empty\): .*\/missing: ENOENT/,
    );
    refused(
      { closID: 'gold', l3CacheSchema: 'L3:0=1f' },
      /the resctrl group .*\/gold has a different configuration: "L3:0=0000f;1=fffff", not "L3:0=1f"$/,
    );
    refused({ closID: '..' }, /invalid intelRdt.ClosID ".."$/);
    refused(
      { enableMonitoring: true },
      /unable to apply Intel RDT configuration: mkdir .*\/mon_groups\/.*: ENOENT: .*, last_cmd_status: ok$/,
    );
    assert.deepEqual(readdirSync(tree).toSorted(), ['gold', 'info', 'mon_groups', 'schemata', 'tasks']);
    rmSync(at('info/L3'), { recursive: true });
    rmSync(at('info/MB'), { recursive: true });
    refused(
      { l3CacheSchema: 'L3:0=f' },
      /intelRdt.l3CacheSchema is specified in config, but Intel RDT\/CAT is not enabled$/,
    );
    refused(
      { memBwSchema: 'MB:0=10' },
      /intelRdt.memBwSchema is specified in config, but Intel RDT\/MBA is not enabled$/,
    );
    const { id } = start({});
    for (const [flag, message] of [
      ['--l3-cache-schema=L3:0=f', 'Intel RDT/CAT: l3 cache schema is not enabled'],
      ['--mem-bw-schema=MB:0=9', 'Intel RDT/MBA: memory bandwidth schema is not enabled'],
    ] as const)
      assert.ok(messageOf(runchart('update', flag, id)).endsWith(message));
    empty(id);
  });

  it('refuses all of it where resctrl is not mounted, and an update of what was never there', () => {
    const [id, path] = bundle({});
    const ended = host.runchart('create', '--bundle', path, id);
    assert.match(messageOf(ended), /intelRdt is specified in config, but Intel RDT is not enabled$/);
    assert.match(messageOf(host.runchart('state', id)), /does not exist/);
    const other = host.start(resting());
    assert.match(
      messageOf(runchart('update', '--l3-cache-schema', 'L3:0=f', other.id)),
      /updating a non-existent Intel RDT configuration is not supported$/,
    );
    assert.deepEqual(JSON.parse(runchart('events', '--stats', other.id).stdout).data.intel_rdt, {});
  });
});
