/** The commands with real containers, as engines and people use them. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { SIGNALS } from '../../native/constants/signal.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { commandLine, messageOf, RUNCHART } from './command-line.ts';
import { catches } from './containers.ts';
import { until } from './lives.ts';
import { remainsAtLast } from './nothing-left.ts';

const PREFIX = `runchart-test-${process.pid}-cli-`;

describe('the command line', { skip: noContainers }, () => {
  const work = workFolder('cli');
  const runchart = commandLine(RUNCHART, work.path);
  const sleeper = makeBundle(
    join(work.path, 'sleeper'),
    shellConfig('trap "exit 3" TERM; while :; do sleep 0.05; done'),
  );
  let count = 0;
  const newId = () => `${PREFIX}${++count}`;
  const statusOf = (id: string) => JSON.parse(runchart('state', id).stdout).status;
  const becomes = (id: string, status: string) => until(`${id} is ${status}`, () => statusOf(id) === status);

  after(async () => {
    for (let i = 1; i <= count; i++) runchart('delete', '--force', `${PREFIX}${i}`);
    assert.deepEqual(await remainsAtLast(PREFIX, work.path), []);
    work.remove();
  });

  it('takes a container through its life', async () => {
    const id = newId();
    assert.deepEqual(runchart('create', '--bundle', sleeper, id), { status: 0, stdout: '', stderr: '' });
    const created = JSON.parse(runchart('state', id).stdout);
    assert.equal(created.status, 'created');
    assert.ok(existsSync(`/proc/${created.pid}`));
    assert.equal(runchart('start', id).status, 0);
    await becomes(id, 'running');
    assert.match(readFileSync(`/proc/${created.pid}/cmdline`, 'utf8'), /^sh\0-c\0trap/);
    assert.equal(messageOf(runchart('delete', id)), `cannot delete container ${id} that is not stopped: running`);
    await until('it listens to TERM', () => catches(created.pid, SIGNALS.SIGTERM));
    assert.deepEqual(runchart('kill', id, 'term'), { status: 0, stdout: '', stderr: '' });
    await becomes(id, 'stopped');
    assert.deepEqual(runchart('delete', id), { status: 0, stdout: '', stderr: '' });
    assert.match(messageOf(runchart('state', id)), /^container does not exist: \S+ is not in \//);
    assert.equal(runchart('list', '-q').stdout, '');
  });

  it('runs a container in the foreground with its output and its status', () => {
    const bundle = makeBundle(join(work.path, 'talker'), shellConfig('echo out; echo err >&2; exit 7'));
    assert.deepEqual(runchart('run', '-b', bundle, newId()), { status: 7, stdout: 'out\n', stderr: 'err\n' });
    writeConfig(bundle, shellConfig('kill -9 $$'));
    const { status } = runchart('run', '-b', bundle, newId());
    // A signal that its own namespace sends does not reach pid 1.
    assert.equal(status, 0);
    assert.equal(runchart('list', '-q').stdout, '');
  });

  it('keeps what --keep keeps, and runs with --detach', async () => {
    const bundle = makeBundle(join(work.path, 'quick'), shellConfig('exit 5'));
    const kept = newId();
    assert.equal(runchart('run', '--keep', '-b', bundle, kept).status, 5);
    assert.equal(statusOf(kept), 'stopped');
    const detached = newId();
    assert.equal(runchart('run', '--detach', '-b', sleeper, '--pid-file', join(work.path, 'pid'), detached).status, 0);
    assert.equal(
      readFileSync(join(work.path, 'pid'), 'utf8'),
      String(JSON.parse(runchart('state', detached).stdout).pid),
    );
    assert.deepEqual(runchart('list', '-q').stdout.split('\n').filter(Boolean).toSorted(), [kept, detached].toSorted());
    assert.equal(runchart('delete', '-f', detached).status, 0);
    assert.equal(runchart('delete', kept).status, 0);
  });

  it('takes global flags before the command and after it, as Go writes them', () => {
    const other = join(work.path, 'other');
    mkdirSync(other);
    assert.equal(runchart('list', '-q', '-root', other).status, 0);
    assert.equal(runchart('--debug=false', '--log-format=text', 'list', `--root=${other}`, '--quiet=false').status, 0);
    assert.equal(
      messageOf(runchart('--rootless=maybe', 'list')),
      'invalid boolean value "maybe" for -rootless: parse error',
    );
    assert.equal(messageOf(runchart('list', '--root', '/')), 'Option --root argument should not be set to /');
  });

  it('lists nothing where the default root is missing, and refuses another that is', () => {
    const nowhere = join(work.path, 'nowhere');
    assert.equal(
      messageOf(runchart('list', '-q', '--root', nowhere)),
      `cannot read the state root ${nowhere}: ENOENT: no such file or directory`,
    );
  });

  it('writes errors to the log file, and bare to standard error', () => {
    const log = join(work.path, 'log.json');
    const failed = runchart('--log', log, '--log-format', 'json', 'state', 'nope');
    assert.deepEqual([failed.status, failed.stdout], [1, '']);
    assert.match(failed.stderr, /^container does not exist: nope is not in \/.*\n$/);
    // An error of the line itself, too.
    const unknown = runchart('start', '--log', log, '--log-format=json', '--nope');
    assert.deepEqual([unknown.status, unknown.stderr], [1, 'flag provided but not defined: --nope\n']);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    assert.match(lines[0] ?? '', /^\{"level":"error","msg":"container does not exist: [^"]+","time":"[^"]+Z"\}$/);
    assert.equal(JSON.parse(lines[1] ?? '').msg, 'flag provided but not defined: --nope');
  });

  it('says the lifecycle and the stack of an error under --debug only', () => {
    const bundle = makeBundle(join(work.path, 'debugged'), shellConfig('exit 0'));
    const id = newId();
    const { stderr } = runchart('--debug', 'run', '-b', bundle, id);
    const states = [...stderr.matchAll(/^time="[^"]+" level=debug msg="container (\S+): (\S+)"$/gm)];
    assert.deepEqual(new Set(states.map(([, name]) => name)), new Set([id]));
    const walked = states.map(([, , state]) => state);
    for (const state of ['creating.mounts', 'created', 'running', 'stopped', 'deleted'])
      assert.ok(walked.includes(state), state);
    assert.equal(runchart('run', '-b', bundle, newId()).stderr, '');
    assert.match(runchart('--debug', 'state', 'nope').stderr, /level=error.*\n.*level=debug msg=".*StoreError/);
    assert.doesNotMatch(runchart('state', 'nope').stderr, /level=debug/);
  });

  it('says under --debug what a process of exec goes through', () => {
    const id = newId();
    assert.equal(runchart('run', '-d', '-b', sleeper, id).status, 0);
    const { stderr } = runchart('--debug', 'exec', id, 'true');
    assert.equal(runchart('delete', '-f', id).status, 0);
    assert.match(stderr, /msg="process: joining"/);
    assert.doesNotMatch(stderr, /undefined/);
  });

  it('names containers whose state is damaged, and lists the others', () => {
    const [good, bad] = [newId(), newId()];
    for (const id of [good, bad]) assert.equal(runchart('create', '-b', sleeper, id).status, 0);
    const file = join(runchart.root, bad, 'state.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, '{');
    const { status, stdout, stderr } = runchart('list');
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^ID .*\n${good} .* created .* root\n$`));
    assert.match(stderr, new RegExp(`^load container ${bad}: .*damaged.*\n$`));
    assert.match(messageOf(runchart('start', bad)), /damaged/);
    writeFileSync(file, text);
    for (const id of [good, bad]) assert.equal(runchart('delete', '--force', id).status, 0);
  });

  it('traces the calls of every process that takes part', () => {
    const bundle = makeBundle(join(work.path, 'traced'), shellConfig('exit 0'));
    const file = join(work.path, 'trace.jsonl');
    assert.equal(runchart('--trace', file, 'run', '-b', bundle, newId()).status, 0);
    const calls = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const who of ['runtime', 'stage', 'init'])
      assert.ok(
        calls.some((call) => call.who === who),
        who,
      );
    assert.ok(calls.some(({ who, call }) => who === 'init' && call === 'execve'));
    // A state stands before the calls that it makes.
    const where = (wanted: object) =>
      calls.findIndex((line) => Object.entries(wanted).every(([name, value]) => line[name] === value));
    assert.ok(where({ state: 'creating.mounts' }) < where({ call: 'open_tree' }));
    assert.ok(where({ state: 'starting' }) < where({ call: 'execve' }));
    const { stderr, status } = runchart('--trace', '-', 'state', 'nope');
    assert.equal(status, 1);
    assert.match(stderr, /^\d\d:\d\d:\d\d\.\d{6} +\d+ runtime openat\(.* ENOENT .*\n/m);
  });

  it('writes a config that runs, and leaves one that is there alone', () => {
    const bundle = makeBundle(join(work.path, 'spec'), shellConfig('exit 0'));
    assert.equal(messageOf(runchart('spec', '-b', bundle)), 'File config.json exists. Remove it first');
    rmSync(join(bundle, 'config.json'));
    assert.deepEqual(runchart.with({ cwd: bundle }, 'spec'), { status: 0, stdout: '', stderr: '' });
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    assert.equal(config.process.args[0], 'sh');
    writeConfig(bundle, { ...config, process: { ...config.process, terminal: false, args: ['echo', 'hello'] } });
    assert.deepEqual(runchart.with({ cwd: bundle }, 'run', newId()), { status: 0, stdout: 'hello\n', stderr: '' });
    const rootless = join(work.path, 'rootless');
    mkdirSync(rootless);
    assert.equal(runchart('--rootless', 'auto', 'spec', '--rootless', '-b', rootless).status, 0);
    const namespaces = JSON.parse(readFileSync(join(rootless, 'config.json'), 'utf8')).linux.namespaces;
    assert.ok(namespaces.some(({ type }: { type: string }) => type === 'user'));
  });

  it('obeys no variable of oclif or its packages', () => {
    const env = { ...process.env, DEBUG: '*', CLI_FLAGS_DEBUG: '1', RUNCHART_ROOT: '/nope', RUNCHART_DEBUG: '1' };
    const { status, stderr } = runchart.with({ env }, 'state', 'nope');
    assert.equal(status, 1);
    assert.equal(stderr.split('\n').length, 2, stderr);
  });

  it('says where its answer could not be written', () => {
    const { status, stderr } = spawnSync('/bin/sh', ['-c', '"$0" list > /dev/full', RUNCHART], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /msg="write the answer: ENOSPC: no space left on device"\n$/);
  });

  it('says its version in the lines that engines read', () => {
    for (const argv of [['--version'], ['-v'], ['--debug', '-version']]) {
      const { status, stdout } = runchart(...argv);
      assert.equal(status, 0);
      assert.match(stdout, /^runchart version \d+\.\d+\.\d+\nspec: 1\.3\.0\n$/);
    }
  });

  it('takes --criu of old callers, and says that it is ignored', () => {
    const { status, stderr } = runchart('--criu', '/opt/criu', 'list');
    assert.equal(status, 0);
    assert.match(stderr, /level=warning msg="--criu is ignored: CRIU is the criu in \$PATH"\n$/);
  });

  it('helps, without colours where nobody looks', () => {
    assert.match(runchart('--help').stdout, /^USAGE\n.*\n\nCOMMANDS\n {2}checkpoint /);
    const { stdout, status } = runchart('run', '-h');
    assert.equal(status, 0);
    assert.match(stdout, /runchart run \[FLAGS\] CONTAINER-ID/);
    assert.match(stdout, /EXAMPLES\n/);
    assert.equal(stdout.includes('\x1b'), false);
    assert.equal(runchart('help', 'run').stdout, stdout);
    assert.equal(runchart('nope').status, 3);
  });

  it('keeps the containers of a user who is root of a user namespace in his own directory', () => {
    const own = join(work.path, 'xdg');
    mkdirSync(own);
    const state = (user: string) =>
      spawnSync('unshare', ['--user', '--map-root-user', RUNCHART, '--trace', '-', 'state', 'x'], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: own, USER: user },
      }).stderr;
    assert.ok(state('ann').includes(`${own}/runchart`));
    assert.ok(!state('root').includes(own));
  });

  it('works in a directory that has been removed, as far as paths are absolute', () => {
    const gone = (...argv: string[]) => {
      mkdirSync(join(work.path, 'gone'));
      const script = `cd ${work.path}/gone && rmdir ${work.path}/gone && exec "$0" --root ${runchart.root} "$@"`;
      const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script, RUNCHART, ...argv], { encoding: 'utf8' });
      return { status, stdout, stderr };
    };
    assert.deepEqual(gone('list', '-q'), { status: 0, stdout: '', stderr: '' });
    assert.match(messageOf(gone('run', 'x')), /the current directory has been removed/);
  });
});
