/**
 * An init serves nobody but the user who made the container, whatever the umask, and whoever may read the state root.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { messageWriter } from '../../native/performers/message.ts';
import type { Config } from '../../spec/types.ts';
import { parseConfig } from '../../spec/validate.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { type CommandLine, commandLine, RUNCHART } from './command-line.ts';
import { noMappingTool, noOrdinaryUser, ordinaryUser, SUBORDINATE, USER } from './ordinary-user.ts';
import { PATIENCE } from './patience.ts';
import { underUmask } from './under-umask.ts';

const ATTACKER = 54_322;
const work = workFolder('start-socket');
after(() => work.remove());
const asAttacker = ['--reuid', `${ATTACKER}`, '--regid', `${ATTACKER}`, '--clear-groups'];
const skip =
  noContainers ||
  (spawnSync('setpriv', [...asAttacker, process.execPath, '--version']).status !== 0 &&
    `another user does not reach ${process.execPath}`);

/** Connects to a socket, sends bytes, and says what became of it. */
const PROGRAM = `
  const [path, bytes] = process.argv.slice(1);
  const socket = require('node:net').connect(path);
  // The other end may be closed before the write, or after it.
  const closed = ['EPIPE', 'ECONNRESET'];
  socket.on('error', ({ code }) => console.log(closed.includes(code) ? 'closed' : code) || process.exit());
  socket.on('connect', () => console.error('connected'));
  socket.on('data', () => console.log('answered') || process.exit());
  socket.on('end', () => console.log('closed') || process.exit());
  socket.write(Buffer.from(bytes, 'hex'));
`;

/** A command that sends the init a batch, which makes a file. */
function attackers(file: string): readonly string[] {
  const column = process.arch === 'arm64' ? 1 : 0;
  const batch = [openat(AT.FDCWD, file, O.WRONLY | O.CREAT, 0o4777)];
  const { bytes, size } = messageWriter(column)(batch, false);
  const hex = Buffer.from(bytes.subarray(0, size)).toString('hex');
  return ['setpriv', ...asAttacker, process.execPath, '-e', PROGRAM, 'start.sock', hex];
}

/** @returns what became of it, and whether the file is there */
function attack(root: string, id: string, rootfs: string): { said: string; performed: boolean } {
  const [program = '', ...argv] = attackers('/attacked');
  // From its directory: the whole path may be longer than a socket's address can be.
  const cwd = join(root, id);
  const { stdout } = spawnSync(program, argv, { encoding: 'utf8', timeout: 30_000 * PATIENCE, cwd });
  return { said: stdout.trim(), performed: existsSync(join(rootfs, 'attacked')) };
}

interface Waiting {
  readonly runchart: CommandLine;
  readonly id: string;
  readonly rootfs: string;
  readonly bundle: string;
}

/** Makes a container that waits for `start`, under umask 000, below a state root that everybody may pass through. */
function waiting(name: string, config: Config, action: (container: Waiting) => void): void {
  const folder = join(work.path, name);
  const bundle = makeBundle(folder, config);
  for (const path of [work.path, folder, bundle]) chmodSync(path, 0o755);
  const runchart = commandLine(RUNCHART, folder);
  mkdirSync(runchart.root);
  chmodSync(runchart.root, 0o755);
  const id = `runchart-test-${process.pid}-${name}`;
  const created = underUmask(0, () => runchart('create', '--bundle', bundle, id));
  try {
    assert.equal(created.stderr, '');
    action({ runchart, id, bundle, rootfs: join(bundle, 'rootfs') });
    const started = runchart('start', id);
    assert.deepEqual([started.stderr, started.status], ['', 0], 'who made it starts it');
  } finally {
    const { stderr } = runchart('delete', '--force', id);
    assert.equal(stderr, '');
  }
}

const usual = (): Config => ({ ...shellConfig('sleep 1000'), root: { path: 'rootfs', readonly: false } });

/** A user namespace whose root is a user of the host's who is nobody else. The host's root is not mapped. */
function inUserNamespace(bundle: string): Config {
  const config = usual();
  const mappings = [{ containerID: 0, hostID: 300_000, size: 1000 }];
  chownSync(join(bundle, 'rootfs'), 300_000, 300_000);
  return {
    ...config,
    linux: {
      ...config.linux,
      namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' }],
      uidMappings: mappings,
      gidMappings: mappings,
    },
  };
}

suite('the start socket', { skip }, () => {
  test('is its maker’s alone under umask 000', () => {
    waiting('mode', usual(), ({ runchart, id, rootfs }) => {
      assert.deepEqual(attack(runchart.root, id, rootfs), { said: 'EACCES', performed: false });
      assert.equal(statSync(join(runchart.root, id, 'start.sock')).mode & 0o7777, 0o600);
    });
  });

  test('leads nobody else to the init, even where all may connect', () => {
    waiting('loosened', usual(), ({ runchart, id, rootfs }) => {
      chmodSync(join(runchart.root, id, 'start.sock'), 0o666);
      assert.deepEqual(attack(runchart.root, id, rootfs), { said: 'closed', performed: false });
    });
  });

  test('nor where a user namespace knows neither its maker nor them', () => {
    const bundle = join(work.path, 'userns');
    mkdirSync(join(bundle, 'rootfs'), { recursive: true });
    waiting('userns', inUserNamespace(bundle), ({ runchart, id, rootfs }) => {
      chmodSync(join(runchart.root, id, 'start.sock'), 0o666);
      assert.deepEqual(attack(runchart.root, id, rootfs), { said: 'closed', performed: false });
    });
  });
});

/** The same for an ordinary user, with a socket that everybody may connect to. */
async function waitingOfUser(name: string, subordinate: boolean, change = (config: Config) => config) {
  const folder = join(work.path, name);
  const user = ordinaryUser(folder, { subordinate });
  const bundle = makeBundle(join(folder, 'bundle'), usual());
  rmSync(join(bundle, 'config.json'));
  execFileSync('chown', ['-R', `${USER}:${USER}`, bundle]);
  user.own();
  assert.equal(user.run(['spec', '--rootless', '--bundle', bundle]).stderr, '');
  const config = await parseConfig(readFileSync(join(bundle, 'config.json'), 'utf8'));
  const process = { ...config.process, cwd: '/', terminal: false, args: ['sleep', '1000'] };
  writeConfig(bundle, change({ ...config, process, root: { path: 'rootfs' } }));
  const socket = join(user.stateRoot, name, 'start.sock');
  const { status, stderr } = underUmask(0, () => user.run(['create', '--bundle', bundle, name]));
  try {
    assert.deepEqual([stderr, status], ['', 0]);
    assert.equal(statSync(socket).mode & 0o7777, 0o600);
    for (const path of [user.stateRoot, join(user.stateRoot, '..')]) chmodSync(path, 0o755);
    chmodSync(socket, 0o666);
    assert.deepEqual(attack(user.stateRoot, name, join(bundle, 'rootfs')), { said: 'closed', performed: false });
    assert.deepEqual(user.run(['start', name]), { status: 0, stdout: '', stderr: '' });
  } finally {
    assert.equal(user.run(['delete', '--force', name]).stderr, '');
  }
}

suite('the start socket of an ordinary user', { skip: skip || noOrdinaryUser() }, () => {
  test('leads nobody else to the init, and him from another process', () => waitingOfUser('rootless', false));

  test('also where he is not its root', { skip: noMappingTool }, () =>
    waitingOfUser('keep-id', true, (config) => {
      const mappings = [
        { containerID: 0, hostID: SUBORDINATE, size: 1000 },
        { containerID: 1000, hostID: USER, size: 1 },
      ];
      return { ...config, linux: { ...config.linux, uidMappings: mappings, gidMappings: mappings } };
    }),
  );
});

suite('a connection for hooks', { skip }, () => {
  test('is not taken by who connects before it', () => {
    const name = 'hooks';
    const said = join(work.path, 'said');
    const words = attackers(join(work.path, 'attacked')).map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    const socket = join(work.path, name, 'state', `runchart-test-${process.pid}-${name}`);
    // The hook that runs on the host opens the door to the attacker, and waits until he stands there.
    const script = `cd ${socket} && chmod 666 start.sock && ${words.join(' ')} >${said}.out 2>${said}.err </dev/null &
      until grep -q . ${said}.err; do sleep 0.01; done`;
    const shell = (text: string) => ({ path: '/bin/sh', args: ['sh', '-c', text] });
    const hooks = { createRuntime: [shell(script)], createContainer: [shell(`echo ran > ${said}.hook`)] };
    waiting(name, { ...usual(), hooks }, () => {
      assert.equal(readFileSync(`${said}.err`, 'utf8'), 'connected\n');
      assert.equal(readFileSync(`${said}.hook`, 'utf8'), 'ran\n');
    });
    assert.equal(existsSync(join(work.path, 'attacked')), false);
    assert.equal(readFileSync(`${said}.out`, 'utf8'), 'closed\n');
  });
});
