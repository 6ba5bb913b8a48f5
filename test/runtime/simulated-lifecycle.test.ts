/** Containers of several kinds live their whole lives in a simulated world, and leave nothing there. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketpair } from '../../native/calls/sockets.ts';
import { SOCK } from '../../native/constants/socket.ts';
import { call } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { succeed } from '../../runtime/container/answers.ts';
import type { Context } from '../../runtime/container/context.ts';
import { openExisting, optionsFor } from '../../runtime/container/open.ts';
import { createContainer } from '../../runtime/operations/create.ts';
import { deleteContainer } from '../../runtime/operations/delete.ts';
import type { Config } from '../../spec/types.ts';
import { writeFile } from '../simulation/host.ts';
import type { Process } from '../simulation/processes.ts';
import type { World } from '../simulation/world.ts';
import { BUNDLE, command, ROOT, worldWithBundle } from './simulated.ts';

interface Kind {
  readonly change: (config: Config) => Config;
  readonly noPivot?: boolean;
  readonly terminal?: boolean;
  readonly prepare?: (world: World) => void;
  /** Checks the container's process. */
  readonly check?: (process: Process) => void;
}

const hook = [{ path: '/bin/hook', args: ['hook'] }];
const bind = { type: 'bind', options: ['rbind', 'ro'] };
const KINDS: Readonly<Record<string, Kind>> = {
  default: {
    change: (config) => config,
    check({ attributes, namespaces, world }) {
      assert.equal(attributes.prctl.get(38), 1, 'no_new_privs');
      assert.equal(attributes.capabilities.effective, attributes.bounding);
      assert.equal(namespaces.uts.hostname, 'runchart');
      assert.equal(world.hostInit.namespaces.uts.hostname, 'host');
    },
  },
  'without pivot_root': { change: (config) => config, noPivot: true },
  'with a read-only root': { change: (config) => ({ ...config, root: { path: 'rootfs', readonly: true } }) },
  'with a terminal': {
    change: (config) => ({ ...config, process: { ...config.process, cwd: '/', terminal: true } }),
    terminal: true,
    check: ({ descriptors }) => assert.match(descriptors.get(0).describe(), /^\/\d+$/),
  },
  'with hooks': {
    change: (config) => ({
      ...config,
      hooks: { createRuntime: hook, createContainer: hook, poststart: hook, poststop: hook },
    }),
  },
  'with binds on what is not there yet': {
    change: (config) => ({
      ...config,
      mounts: [
        ...(config.mounts ?? []),
        { ...bind, destination: '/deep/er/passwd', source: '/etc/passwd' },
        { ...bind, destination: '/data', source: '/var' },
      ],
    }),
  },
  'with labels of both modules': {
    prepare(world) {
      writeFile(world, '/sys/module/apparmor/parameters/enabled', 'Y\n');
      writeFile(world, '/sys/fs/selinux/enforce', '0');
    },
    change: (config) => ({
      ...config,
      process: { cwd: '/', ...config.process, apparmorProfile: 'docker-default', selinuxLabel: 'u:r:t:s0' },
    }),
    check({ attributes, world }) {
      assert.deepEqual(Object.fromEntries(attributes.labels), {
        keycreate: '',
        exec: 'u:r:t:s0',
        'apparmor/exec': 'exec docker-default',
      });
      assert.equal(world.hostInit.attributes.labels.size, 0);
    },
  },
  'scheduled otherwise': {
    change: (config) => ({
      ...config,
      process: {
        ...{ cwd: '/', ...config.process, scheduler: { policy: 'SCHED_BATCH', nice: -3 } },
        ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 2 },
      },
      linux: { ...config.linux, memoryPolicy: { mode: 'MPOL_BIND', nodes: '1', flags: ['MPOL_F_STATIC_NODES'] } },
    }),
    check({ attributes: { scheduling } }) {
      assert.deepEqual(scheduling.get('scheduler'), [3, -3]);
      assert.deepEqual(scheduling.get('io'), [0x2002]);
      assert.deepEqual(scheduling.get('memory'), [0x8002, 2, 0, 0, 0, 0, 0, 0, 0]);
      assert.deepEqual(scheduling.get('affinity'), Array(1024).fill(0xff));
    },
  },
  'in the namespaces of the host': {
    change: ({ hostname: _, ...config }) => ({
      ...config,
      linux: { ...config.linux, namespaces: [{ type: 'mount' }] },
    }),
  },
};

for (const layout of ['v2', 'hybrid', 'v1'] as const)
  for (const [name, kind] of Object.entries(KINDS))
    test(`${name}, on ${layout}`, async () => {
      const world = worldWithBundle(layout, kind.change);
      writeFile(world, '/etc/passwd', '');
      kind.prepare?.(world);
      writeFile(world, '/bin/hook', '', 0o755);
      const hooks: string[] = [];
      world.programs.set('/bin/hook', (_, { program }) => {
        hooks.push(program?.path ?? '');
        return 0;
      });
      const outside = command(world).platform;

      /** Runs one command in a process of its own, and checks that it leaves no descriptor and no zombie. */
      async function run(action: (context: Context, consoleSocket: object) => Promise<void>): Promise<void> {
        const { platform, context } = command(world);
        const before = platform.runtime.descriptors.numbers().length;
        const pair = out(8);
        if (kind.terminal) call(platform.local, socketpair(SOCK.SEQPACKET, pair));
        await action(context, kind.terminal ? { consoleSocket: viewOf(pair.bytes).getInt32(4, true) } : {});
        assert.equal(platform.runtime.descriptors.numbers().length - before, kind.terminal ? 2 : 0);
        assert.deepEqual(
          platform.leaks().filter((line) => line.startsWith('zombie') || line.startsWith('mount')),
          [],
        );
        platform.kill();
      }
      const ask = (type: 'start' | 'pause' | 'resume') =>
        run(async (context) => {
          const container = await openExisting(context, 'c1', type);
          succeed(context, await container.request({ type }));
          container.close();
        });

      await run(async (context, consoleSocket) => {
        const inheritance = { stdio: [0, 1, 2], preserveFds: 0, ...consoleSocket } as const;
        const options = { id: 'c1', bundle: BUNDLE, inheritance, noPivot: kind.noPivot ?? false };
        (await createContainer(context, options)).close();
      });
      await ask('start');
      const process = world.processes.find(({ program }) => program?.path === '/bin/sh');
      assert.ok(process !== undefined);
      assert.deepEqual(process.descriptors.numbers(), [0, 1, 2]);
      kind.check?.(process);
      await ask('pause');
      await ask('resume');
      await run(async (context) => succeed(context, await deleteContainer(optionsFor(context, 'c1'), true)));

      const left = outside
        .leaks()
        .filter((line) => line !== `file ${ROOT}` && !line.startsWith(`file ${BUNDLE}/rootfs/`));
      assert.deepEqual(left, []);
      assert.equal(hooks.length, name === 'with hooks' ? 4 : 0);
      assert.deepEqual([...world.unmodelled], []);
    });
