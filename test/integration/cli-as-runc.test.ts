/** The same commands on the same bundles by Debian's runc and by us: exit statuses, states, tables, and errors. */

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { commandLine, type Ended, messageOf, noRunc, RUNCHART, withoutCause, withoutRetries } from './command-line.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';

const PREFIX = `runchart-test-${process.pid}-like-`;
/** runc 1.1 knows no 1.3. */
const OCI_VERSION = '1.0.2';

describe("beside Debian's runc", { skip: noContainers || noRunc }, () => {
  const work = workFolder('like');
  const runtimes = { runc: commandLine('runc', work.path, 'runc'), runchart: commandLine(RUNCHART, work.path) };
  const sleeping = { ...shellConfig('sleep 1000'), ociVersion: OCI_VERSION, annotations: { 'org.b': '<2>', a: '1' } };
  // runc 1.1 lists a root that is not there, newer ones refuse.
  for (const { root } of Object.values(runtimes)) mkdirSync(root);
  const sleeper = makeBundle(join(work.path, 'sleeper'), sleeping);
  const broken = makeBundle(join(work.path, 'broken'), sleeping);
  const id = `${PREFIX}1`;

  after(async () => {
    for (const runtime of Object.values(runtimes)) runtime('delete', '--force', id);
    assert.deepEqual(await remainsAtLast(PREFIX, work.path), []);
    work.remove();
  });

  /** One after the other, since containers of one name share their cgroup. */
  function both<T>(action: (runtime: (typeof runtimes)['runc']) => T): { readonly runc: T; readonly runchart: T } {
    const attempt = (runtime: (typeof runtimes)['runc']) => {
      try {
        return action(runtime);
      } finally {
        runtime('delete', '--force', id);
      }
    };
    return { runc: attempt(runtimes.runc), runchart: attempt(runtimes.runchart) };
  }

  /**
   * Removes what differs between two runs of any runtime, and the version of the specification that each implements.
   */
  const common = (text: string) =>
    text
      .replace(/"ociVersion":( ?)"1\.\d+\.\d+(-dev)?"/g, '"ociVersion":$1VERSION')
      .replace(/"pid":( ?)[1-9]\d*/g, '"pid":$1PID')
      .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z\b/g, 'TIME')
      // Ours names the container.
      .replace(/(container does not exist): \S+ is not in \S+/, '$1')
      .replace(/ {3,}/g, '   ')
      .replace(/ [1-9]\d* +(?=created|running)/g, ' PID ');

  function same(action: (runtime: (typeof runtimes)['runc']) => readonly (Ended | string)[]): void {
    const shown = both((runtime) =>
      action(runtime).map((ended) => {
        if (typeof ended === 'string') return common(ended);
        const { status, stdout } = ended;
        const stderr = withoutRetries(ended.stderr);
        return {
          status,
          stdout: common(stdout),
          message: stderr === '' ? '' : common(messageOf({ ...ended, stderr })).replace(/^runc /, 'runchart '),
        };
      }),
    );
    assert.deepEqual(shown.runchart, shown.runc);
  }

  it('a life looks the same at every step', () => {
    same((run) => [
      run('list'),
      run('list', '-f', 'json'),
      run('list', '-q'),
      run('create', '-b', sleeper, id),
      run('state', id),
      run('list'),
      run('list', '--format', 'json'),
      run('create', '-b', sleeper, id),
      run('kill', id, 'FOO'),
      run('kill', id, '0'),
      run('start', id),
      run('state', id),
      run('start', id),
      run('delete', id),
      run('kill', '--all', id, 'sigwinch'),
      run('kill', id, 'KILL'),
      ...untilStopped(run),
      run('list', '-q'),
      run('start', id),
      run('kill', id),
      run('kill', '-a', id),
      run('delete', id),
      run('delete', id),
      run('delete', '-f', id),
    ]);
  });

  function untilStopped(run: (typeof runtimes)['runc']): Ended[] {
    for (let tries = 0; tries < 100; tries++) {
      const ended = run('state', id);
      if (ended.stdout.includes('"stopped"')) return [ended];
      // By a server, a hundred commands take less time than the host's first process to reap a child.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20 * PATIENCE);
    }
    throw new Error('it does not stop');
  }

  for (const signal of ['TERM', 'INT', 'HUP', 'QUIT', 'USR1'])
    it(`kill ${signal} of a container that waits for its start`, () => {
      same((run) => [
        run('create', '-b', sleeper, id),
        run('kill', id, signal),
        ...(signal === 'USR1' ? [run('state', id)] : untilStopped(run)),
        run('delete', id),
      ]);
    });

  it('a bundle is where its path leads', () => {
    const link = join(work.path, 'link');
    symlinkSync(sleeper, link);
    same((run) => [
      run('create', '--bundle', `${link}/.`, id),
      run('state', id),
      run('delete', id),
      run('create', '-b', join(work.path, 'nowhere', '..', 'link'), id),
      run('list', '-f', 'json'),
    ]);
  });

  it('a container that was created and not started is deleted', () => {
    same((run) => [run('create', '-b', sleeper, id), run('delete', id), run('list', '-q')]);
  });

  it('run --detach leaves a container that runs', () => {
    same((run) => [run('run', '-d', '-b', sleeper, id), run('state', id), run('delete', '--force', id)]);
  });

  it('run ends with the status of the container', () => {
    for (const script of ['exit 3', 'echo out; echo err >&2', 'nope'])
      assertSameRun({ ...shellConfig(script), ociVersion: OCI_VERSION });
  });

  function assertSameRun(config: ReturnType<typeof shellConfig>): void {
    writeConfig(broken, config);
    const { runc, runchart } = both((run) => run('run', '-b', broken, id));
    assert.deepEqual(runchart, { ...runc, stderr: withoutRetries(runc.stderr) });
  }

  for (const argv of [
    ['state', 'nope'],
    ['start', 'nope'],
    ['kill', 'nope', 'FOO'],
    ['delete', 'nope'],
    ['delete', '--force', 'nope'],
    ['state', '../nope'],
    ['delete', '-f', 'a/b'],
    ['state', ''],
    ['list', '--format', 'xml'],
  ])
    it(`${argv.join(' ')}`, () => same((run) => [run(...argv)]));

  for (const name of ['', '.', '..', 'a/b', 'a b', 'a%b', 'a\nb'])
    it(`create of the name ${JSON.stringify(name)}`, () => same((run) => [run('create', '-b', sleeper, name)]));

  // The texts end alike; where ours begins with more, that says where.
  const errors: [string, (config: ReturnType<typeof shellConfig>) => unknown, RegExp][] = [
    [
      'no such program',
      (config) => withArgs(config, '/bin/nope'),
      /exec: "\/bin\/nope": stat \/bin\/nope: no such file or directory$/,
    ],
    [
      'no such program in PATH',
      (config) => withArgs(config, 'nope'),
      /exec: "nope": executable file not found in \$PATH$/,
    ],
    [
      'a program that is not executable',
      (config) => withArgs(config, '/etc/text'),
      /exec: "\/etc\/text": permission denied$/,
    ],
    ['no args', (config) => withArgs(config), /args must not be empty$/],
    [
      'a relative cwd',
      (config) => ({ ...config, process: { ...config.process, cwd: 'x' } }),
      /Cwd must be an absolute path$/,
    ],
    [
      'a terminal without a socket',
      (config) => ({ ...config, process: { ...config.process, terminal: true } }),
      /cannot allocate tty if runc(hart)? will detach without setting console socket$/,
    ],
    [
      'no rootfs',
      (config) => ({ ...config, root: { path: 'nope' } }),
      /invalid rootfs: stat .*\/nope: (ENOENT: )?no such file or directory$/,
    ],
  ];
  for (const [title, change, expected] of errors)
    it(`create with ${title}`, () => {
      writeFileSync(join(broken, 'rootfs/etc/text'), 'text', { mode: 0o644 });
      writeConfig(broken, change(sleeping));
      for (const ended of Object.values(both((run) => run('create', '-b', broken, id)))) {
        assert.equal(ended.status, 1);
        assert.match(withoutCause(messageOf(ended)), expected);
      }
      for (const ended of Object.values(both((run) => run('list', '-q')))) assert.equal(ended.stdout, '');
    });

  it('create without config.json, and with one that is no JSON', () => {
    const empty = makeBundle(join(work.path, 'empty'), sleeping);
    writeFileSync(join(empty, 'config.json'), '{"ociVersion": ');
    for (const ended of Object.values(both((run) => run('create', '-b', empty, id)))) {
      assert.equal(ended.status, 1);
      assert.match(messageOf(ended), /^runc(hart)? create failed: /);
    }
    const nothing = both((run) => run('create', '-b', join(work.path, 'runc'), id));
    for (const ended of Object.values(nothing)) {
      assert.equal(ended.status, 1);
      assert.match(messageOf(ended), /JSON specification file config\.json not found/);
    }
  });

  it('lines that are wrong have the same status and text', () => {
    for (const argv of [
      ['start'],
      ['start', 'a', 'b'],
      ['kill'],
      ['kill', 'a', 'b', 'c'],
      ['list', 'x'],
      ['start', '--nope', 'x'],
      ['list', '-f'],
    ]) {
      const { runc, runchart } = both((run) => run(...argv));
      assert.equal(runchart.status, runc.status);
      // runc prints the command's help besides, on standard output.
      // Ours names the arguments, and a flag as it was typed.
      const bare = (text: string) =>
        text
          .replace(/^runc(hart)?: /, '')
          .replace(/ argument(\(s\)|s)?\b.*$/, '')
          .replace(/ --(\w+).*$/, ' -$1');
      assert.equal(bare(messageOf(runchart)), bare(messageOf(runc)));
    }
  });

  const withArgs = (config: ReturnType<typeof shellConfig>, ...args: string[]) => ({
    ...config,
    process: { ...config.process, args },
  });
});
