/**
 * The same commands on the same running container by Debian's runc and by us: their statuses, messages and outputs, and
 * what they do to the cgroup.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { type CommandLine, type Ended, noRunc, withoutRetries, ZERO_BY_CHANCE } from './command-line.ts';
import { proc } from './containers.ts';
import { type Life, lives, until } from './lives.ts';

describe("a running container, beside Debian's runc", { skip: noContainers || noRunc }, () => {
  const host = lives('as-runc');
  const { runchart, runc } = host;
  after(() => host.close());

  const resting = (): Config => ({ ...shellConfig('exec sleep 1000'), ociVersion: '1.0.2' });

  /** Whoever made a container, and the container. */
  interface One extends Life {
    readonly by: CommandLine;
  }
  async function pair(config = resting()): Promise<readonly [One, One]> {
    const both = [
      { ...host.start(config), by: runchart },
      { ...host.startRunc(config), by: runc },
    ] as const;
    for (const { pid } of both) await until('it sleeps', () => /\(sleep\) S /.test(proc(pid, 'stat')));
    return both;
  }

  /** @param act on one of them @returns what both came to, the one of runc's being what is expected */
  function same<T>([ours, theirs]: readonly [One, One], act: (one: One) => T): T {
    const [actual, expected] = [act(ours), act(theirs)];
    assert.deepEqual(actual, expected);
    return actual;
  }

  /** Without the names that differ, and the widths of columns: a time may end in a zero, which is not written. */
  const said = (ended: Ended, { id, bundle, pid }: One) => ({
    status: ended.status,
    stdout: ended.stdout
      .replaceAll(id, 'ID')
      .replaceAll(bundle, 'BUNDLE')
      .replace(new RegExp(`\\b${pid}\\b *`), 'PID ')
      .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z\b/g, 'TIME')
      .replace(/ {3,}/g, '   ')
      .replace(/"ociVersion":( ?)"1\.\d+\.\d+(-dev)?"/g, '"ociVersion":$1VERSION'),
    log: withoutRetries(ended.stderr)
      .replace(/^time="[^"]+" /gm, '')
      // Ours says where it is missing, behind runc's words.
      .replace(/(container does not exist): \S+ is not in [^"]+/g, '$1')
      .replaceAll(id, 'ID'),
  });
  const does = (one: One, ...argv: readonly string[]) =>
    said(one.by(...argv.map((word) => (word === 'ID' ? one.id : word))), one);

  it('is paused and resumed, and refuses what it then must', async () => {
    const both = await pair();
    for (const argv of [
      ['resume', 'ID'],
      ['pause', 'ID'],
      ['state', 'ID'],
      ['list'],
      ['list', '-f', 'json'],
      ['pause', 'ID'],
      ['exec', 'ID', 'true'],
      ['start', 'ID'],
      ['delete', 'ID'],
      ['update', '--pids-limit', '100', 'ID'],
      ['kill', 'ID', 'WINCH'],
      ['resume', 'ID'],
      ['resume', 'ID'],
      ['delete', 'ID'],
      ['pause', 'nope'],
      ['resume', 'nope'],
      ['ps', 'nope'],
      ['events', '--stats', 'nope'],
      ['update', '--pids-limit', '5', 'nope'],
      ['exec', 'nope', 'true'],
    ])
      same(both, (one) => [argv, does(one, ...argv), frozen(one)]);
    same(both, (one) => {
      one.by('pause', one.id);
      return [does(one, 'kill', 'ID', 'KILL'), does(one, 'delete', '--force', 'ID'), does(one, 'state', 'ID')];
    });
  });
  const frozen = ({ pid }: One): string => readFileSync(join(cgroupOf(pid, 'freezer'), 'freezer.state'), 'utf8');

  it('has its processes listed', async () => {
    const both = await pair();
    same(both, (one) => does(one, 'ps', 'ID', '-o', 'comm,nice,stat'));
    same(both, (one) => does(one, 'ps', '--format', 'table', 'ID', '-e', '-o', 'args'));
    same(both, (one) => does(one, 'ps', '-f', 'json', 'ID').stdout.replace(String(one.pid), 'PID'));
    same(both, (one) => rows(does(one, 'ps', 'ID').stdout));
    same(both, (one) => rows(does(one, 'ps', 'ID', 'aux').stdout));
    same(both, (one) => rows(does(one, 'ps', 'ID', '-e', '-x').stdout));
    for (const argv of [
      ['ps', '-f', 'xml', 'ID'],
      ['ps', 'ID', '-o', 'comm'],
    ])
      same(both, (one) => does(one, ...argv));
  });
  /** Its heading, and what ends its lines. */
  const rows = (table: string) => {
    const [heading = '', ...others] = table.trimEnd().split('\n');
    return [heading.trim().split(/\s+/), ...others.map((row) => row.trim().split(/\s+/).slice(-2))];
  };

  it('tells as much of what it uses', async () => {
    const [ours, theirs] = await pair();
    const shape = ({ by, id }: One) =>
      shapeOf(JSON.parse(by('events', '--stats', id).stdout)).filter((one) => !ZERO_BY_CHANCE.test(one));
    const missing = shape(theirs).filter((one) => !shape(ours).includes(one));
    assert.deepEqual(missing, []);
  });

  const LIMITS = ['cpu', 'memory', 'pids', 'cpuset', 'blkio'];
  const noLimits = LIMITS.every((name) => existsSync(`/sys/fs/cgroup/${name}`)) ? false : 'no cgroup v1 here';
  /** All files of its cgroups that say how it is limited. */
  const limits = ({ pid }: One): Record<string, string> =>
    Object.fromEntries(
      LIMITS.flatMap((controller) => {
        const directory = cgroupOf(pid, controller);
        return readdirSync(directory)
          .filter((name) => /(limit_in_bytes|_us|shares|idle|max|cpus|mems|weight|_device|burst)$/.test(name))
          .flatMap((name) => contents(join(directory, name)));
      }),
    );
  const contents = (path: string): [string, string][] => {
    try {
      return [[path.split('/').at(-1) ?? '', readFileSync(path, 'utf8')]];
    } catch {
      return []; // write-only, or not of this kernel
    }
  };

  it('has its limits changed', { skip: noLimits }, async () => {
    const both = await pair();
    const file = join(host.path, 'resources.json');
    const fromFile = (resources: unknown): string[] => {
      writeFileSync(file, typeof resources === 'string' ? resources : JSON.stringify(resources));
      return ['-r', file];
    };
    for (const make of [
      () => ['--memory', '64m', '--memory-swap', '128m'],
      () => ['--memory-reservation', '32m', '--memory', '96m'],
      () => ['--memory', '-1'],
      () => ['--memory', '67108864', '--memory-swap', '67108864'],
      () => ['--memory-swap', '-1'],
      () => ['--cpu-period', '50000', '--cpu-quota', '25000'],
      () => ['--cpu-quota', '-1'],
      () => ['--cpu-share', '512', '--cpuset-cpus', '0', '--cpuset-mems', '0'],
      () => ['--pids-limit', '0x4d'],
      () => ['--pids-limit', '-1'],
      () => ['--kernel-memory', '50m'],
      () => fromFile({ memory: { limit: 100 << 20, swap: -1 }, cpu: { shares: 300 } }),
      () => fromFile({ cpu: { period: 100_000, quota: 60_000, cpus: '0' }, pids: { limit: 31 } }),
      () => fromFile({}),
    ]) {
      const given = make();
      same(both, (one) => [given, does(one, 'update', ...given, 'ID'), limits(one)]);
    }
    // What fails changes nothing; runc leaves some of it, and says so.
    const [ours] = both;
    const before = limits(ours);
    for (const make of [
      () => ['--cpu-period', '1'],
      () => ['--cpuset-cpus', '7777'],
      () => ['--cpu-share', '1'],
      () => ['--memory', '12x'],
      () => ['--pids-limit', 'x'],
      () => ['-r', join(host.path, 'missing')],
      () => fromFile('{"memory":'),
    ]) {
      const given = make();
      const [reason, expected] = both.map((one) => lastReason(does(one, 'update', ...given, 'ID')));
      assert.equal(reason, expected, given.join(' '));
      assert.deepEqual(limits(ours), before);
    }
  });
  /** Behind what was tried, and without the errno's name, which runc does not tell. */
  const lastReason = ({ status, log }: { readonly status: number | null; readonly log: string }): string => {
    const message = /level=error msg="?(.*?)"?\n$/.exec(log)?.[1] ?? '';
    return `${status} ${message.split(': ').at(-1)?.toLowerCase()}`;
  };

  it('features tell as much', () => {
    const own = /^\.annotations\.org\.opencontainers\.runc\./;
    const shape = (by: CommandLine) => shapeOf(JSON.parse(by('features').stdout)).filter((one) => !own.test(one));
    const missing = shape(runc).filter((one) => !shape(runchart).includes(one));
    assert.deepEqual(missing, []);
  });

  it('has what its config says in other capitals, too', async () => {
    const odd: Config = JSON.parse(
      JSON.stringify(resting())
        .replace(/"hostname":"[^"]*"/, '"HostName":"odd"')
        .replace('"args"', '"Args"')
        .replace('"env":[', '"ENV":["ODD=1",'),
    );
    const both = await pair(odd);
    same(both, (one) => does(one, 'exec', 'ID', 'hostname'));
    const [ours] = both;
    assert.match(proc(ours.pid, 'environ'), /(^|\0)ODD=1\0/);
    assert.equal(does(ours, 'exec', 'ID', 'hostname').stdout, 'odd\n');
    const file = join(ours.bundle, 'process.json');
    writeFileSync(file, JSON.stringify({ Args: ['id', '-u'], CWD: '/', Env: ['PATH=/bin'], user: { UID: 7 } }));
    assert.equal(does(ours, 'exec', '--process', file, 'ID').stdout, '7\n');
  });
});

/** The v1 directory of a process. */
function cgroupOf(pid: number, controller: string): string {
  const path = new RegExp(`^\\d+:${controller}:(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
  return `/sys/fs/cgroup/${controller}${path}`;
}

/** Every member with the type of its value, as a path. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value))
    return value.length === 0 ? [`${path}[]`] : [...new Set(value.flatMap((one) => shapeOf(one, `${path}[]`)))];
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, one]) => shapeOf(one, `${path}.${name}`));
  return [`${path}: ${typeof value}`];
}
