/**
 * Hooks that a container's init starts. The init here is a stage that listens as an init does. Root gives it
 * namespaces.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { runHooks, runStartContainerHooks } from '../../../effects/hooks/hooks.ts';
import { connectToInit, START_SOCKET } from '../../../effects/init/connect.ts';
import { startDescriptor } from '../../../effects/init/start.ts';
import type { Session } from '../../../effects/session.ts';
import { close, openat } from '../../../native/calls/files.ts';
import { clone3, setNoNewPrivs, setresuid, waitid } from '../../../native/calls/process.ts';
import { accept, bindUnix, listen, socket } from '../../../native/calls/sockets.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { CLONE, P, W } from '../../../native/constants/process.ts';
import { AF, SOCK } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Batch } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { call, perform } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';
import type { Hook } from '../../../spec/types.ts';
import { aRecord } from './record.ts';

const platform = hostPlatform();
const { local } = platform;
const isRoot = process.getuid?.() === 0;
const ENV = ['PATH=/usr/bin:/bin', 'FROM=outside'];

interface World {
  readonly folder: string;
  readonly session: Session;
  readonly init: Kernel;
  /** The init's pid, in our namespace. */
  readonly pid: number;
  read(name: string): string;
}

/** Calls `action` with an init in these new namespaces. Afterwards the init must be what it was before. */
async function withInit(flags: number, action: (world: World) => Promise<void>): Promise<void> {
  const folder = realpathSync(mkdtempSync('/tmp/runchart-hooks-'));
  const stage = platform.spawnStage([0, 1, 2], 'stage');
  const inheritance = { stdio: [0, 1, 2], preserveFds: 0 } as const;
  const session: Session = { platform, directory: folder, inheritance, environment: [] };
  const start = startDescriptor(0);
  assert.equal(call(stage.kernel, socket(AF.UNIX, SOCK.STREAM)), start, 'where an init listens');
  perform(stage.kernel, [bindUnix(start, `${folder}/${START_SOCKET}`), listen(start)]);
  const connection = connectToInit(session);
  const theirs = call(stage.kernel, accept(start));
  const pid = call(stage.kernel, clone3({ flags: flags | CLONE.PARENT, childServes: theirs }));
  perform(local, [close(stage.connection), waitid(P.PID, stage.pid, out(128), W.EXITED)]);
  const root = call(connection.kernel, openat(AT.FDCWD, folder, O.PATH | O.DIRECTORY));
  session.init = { ...connection, pid, root };
  const descriptors = () => [readdirSync('/proc/self/fd').length, readdirSync(`/proc/${pid}/fd`).sort()];
  const before = descriptors();
  try {
    const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8');
    await action({ folder, session, init: connection.kernel, pid, read });
    assert.deepEqual(descriptors(), before, 'no descriptor is left, here or in the init');
    assert.equal(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'), '', 'every hook was reaped');
  } finally {
    perform(local, [close(connection.socket), waitid(P.PID, pid, out(128), W.EXITED)]);
    rmSync(folder, { recursive: true });
  }
}

const shell = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  ...more,
});
const createContainer = ({ session }: World, ...hooks: Hook[]) =>
  runHooks(session, aRecord({ createContainer: hooks }), 'createContainer', ENV);

describe('createContainer hooks', () => {
  test('get the state on stdin, the rootfs as their directory, and no other descriptor', () =>
    withInit(0, async (world) => {
      await createContainer(world, shell('cat > state; echo $PPID > parent; ls /proc/self/fd > fds; echo $FROM > env'));
      const { pid } = world;
      const state = { ociVersion: '1.3.0', id: 'c1', status: 'creating', pid, bundle: '/b' };
      assert.deepEqual(JSON.parse(world.read('state')), state);
      assert.equal(world.read('parent'), `${pid}\n`, 'the init');
      assert.equal(world.read('fds'), '0\n1\n2\n3\n');
      assert.equal(world.read('env'), 'outside\n');
    }));

  test(
    'run in the init’s namespaces, and are told its pid there',
    { skip: !isRoot && 'only root makes namespaces' },
    () =>
      withInit(CLONE.NEWPID | CLONE.NEWUTS, async (world) => {
        await createContainer(world, shell('cat > state; echo $$ > pid'));
        assert.equal(JSON.parse(world.read('state')).pid, 1);
        assert.equal(world.read('pid'), '2\n');
        assert.notEqual(readlinkSync(`/proc/${world.pid}/ns/uts`), readlinkSync('/proc/self/ns/uts'));
      }),
  );

  test('that fail are told with their status and output, and the rest does not run', () =>
    withInit(0, async (world) => {
      const hooks = [shell('echo 0 >> order'), shell('echo out; echo err >&2; kill -9 $$'), shell('echo 2 >> order')];
      await assert.rejects(createContainer(world, ...hooks), {
        message: 'error running createContainer hook #1: signal: killed, stdout: out\n, stderr: err\n',
      });
      assert.equal(world.read('order'), '0\n');
    }));

  test('that hang are killed', () =>
    withInit(0, async (world) => {
      await assert.rejects(createContainer(world, shell('exec sleep 1000', { timeout: 1 })), {
        message: 'error running createContainer hook #0: hook ran past specified timeout of 1.0s',
      });
    }));

  test('that cannot be started are told with the reason, and the init serves on', () =>
    withInit(0, async (world) => {
      await assert.rejects(createContainer(world, { path: '/no/such/hook' }), {
        message: 'error running createContainer hook #0: execve /no/such/hook: ENOENT: no such file or directory',
      });
      assert.ok(call(world.init, { name: 'getpid', args: [] }) > 0);
    }));
});

describe('startContainer hooks', () => {
  test(
    'run with the rights and the environment of the container’s process',
    { skip: !isRoot && 'only root gives up rights' },
    () =>
      withInit(0, async (world) => {
        const addBefore = (batch: Batch): void => {
          for (const one of [setNoNewPrivs(), setresuid(12345)]) batch.add(one);
        };
        const hook = shell('id -u; grep NoNewPrivs /proc/self/status; echo $FROM; cat; exit 1');
        await assert.rejects(
          runStartContainerHooks(world.session, aRecord({ startContainer: [hook] }), world.init, ENV, addBefore),
          ({ message }: Error) => {
            const told =
              /^error running startContainer hook #0: exit status 1, stdout: 12345\nNoNewPrivs:\t1\noutside\n({.*}), stderr: $/s.exec(
                message,
              );
            assert.ok(told, message);
            assert.equal(JSON.parse(told[1] ?? '').status, 'created');
            return true;
          },
        );
        assert.match(
          readFileSync(`/proc/${world.pid}/status`, 'utf8'),
          /^Uid:\t0\t.*NoNewPrivs:\t0$/ms,
          'the init keeps its own',
        );
      }),
  );

  test('that are not there take no connection', async () => {
    const session: Session = {
      platform,
      directory: '/no/such',
      environment: [],
      inheritance: { stdio: [0, 1, 2], preserveFds: 0 },
    };
    await runStartContainerHooks(session, aRecord({}), local, [], () => undefined);
    await runHooks(session, aRecord({}), 'createContainer', []);
    assert.ok(!existsSync('/no/such'));
  });
});
