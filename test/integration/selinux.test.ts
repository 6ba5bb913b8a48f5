/**
 * SELinux: the kernel's word for the labels of processes, mounts and keyrings, where the policy only logs and where it
 * forbids. `npm run test:selinux`.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hostPlatform } from '../../native/host-platform.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Config, Mount, Process } from '../../spec/types.ts';
import { messageOf } from './command-line.ts';
import { proc } from './containers.ts';
import { type Life, lives, resting, until } from './lives.ts';
import { enter, label, labelOf, labelOfFile, MODES, noSelinux, ownLabel } from './selinux.ts';

/** As podman and CRI-O give them: no two containers have the same categories. */
const OWN = 's0:c10,c20';
const OTHERS = 's0:c1,c2';
const PROCESS = `system_u:system_r:container_t:${OWN}`;
const FILES = `system_u:object_r:container_file_t:${OWN}`;

/** include/uapi/linux/keyctl.h */
const KEYCTL_GET_SECURITY = 17;

interface Changes {
  readonly process?: Partial<Process>;
  readonly linux?: Config['linux'];
  readonly mounts?: readonly Mount[];
}

function labelled({ process, linux, mounts = [] }: Changes = {}): Config & { process: Process } {
  const config = resting();
  return {
    ...config,
    process: { ...config.process, selinuxLabel: PROCESS, ...process },
    linux: { ...config.linux, mountLabel: FILES, ...linux },
    mounts: [...(config.mounts ?? []), ...mounts],
  };
}

const mapping = [{ containerID: 0, hostID: 100_000, size: 1000 }];
const withUserNamespace = (config: Config): Config['linux'] => ({
  namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' }],
  uidMappings: mapping,
  gidMappings: mapping,
});

for (const mode of MODES)
  describe(`SELinux, ${mode}`, { skip: noSelinux }, () => {
    const host = lives(`selinux-${mode}`);
    const { runchart } = host;
    const isEnforcing = mode === 'enforcing';
    before(() => {
      // What the commands print goes to files here, which containers of all categories may write.
      label('system_u:object_r:container_file_t:s0', host.path);
      enter(mode);
    });
    after(async () => {
      enter('permissive');
      await host.close();
    });

    function bundle(id: string, config: Config): string {
      const made = host.bundle(id, config);
      label(FILES, join(made, 'rootfs'));
      return made;
    }

    /** Starts a container whose root file system has the labels that an engine gives. */
    async function start(config: Config): Promise<Life> {
      const id = host.idFor(runchart);
      const made = bundle(id, config);
      const { status, stderr } = runchart('run', '--detach', '--bundle', made, id);
      assert.equal(status, 0, stderr);
      const { pid } = JSON.parse(runchart('state', id).stdout);
      await until('the program is executed', () => proc(pid, 'cmdline').startsWith('sleep'));
      return { id, pid, bundle: made };
    }

    /**
     * What a script writes in the container, as the host reads it there. The policy permits a confined process no
     * descriptor of an administrator's shell.
     */
    function inside({ id, pid }: Life, script: string, ...flags: string[]): string {
      const { status } = runchart('exec', ...flags, id, 'sh', '-c', `(${script}) > /dev/shm/output 2>&1`);
      const text = readFileSync(`/proc/${pid}/root/dev/shm/output`, 'utf8').replaceAll('\0', '').trim();
      assert.equal(status, 0, text);
      return text;
    }

    for (const noNewPrivileges of [false, true])
      it(`labels the process and what exec adds, with no_new_privs ${noNewPrivileges}`, async () => {
        const life = await start(labelled({ process: { noNewPrivileges } }));
        assert.equal(labelOf(life.pid), PROCESS);
        assert.equal(inside(life, 'cat /proc/self/attr/current'), PROCESS);
        const other = `system_u:system_r:container_t:${OWN},c30`;
        assert.equal(readBy(life, { noNewPrivileges, selinuxLabel: other }), other);
        assert.equal(readBy(life, { noNewPrivileges }), PROCESS);
      });

    /** The label of a process that exec adds by a process.json. */
    function readBy({ id, pid }: Life, process: Partial<Process>): string {
      const asked = join(host.path, 'process.json');
      writeFileSync(asked, JSON.stringify({ args: ['/bin/sleep', '2000'], cwd: '/', ...process }));
      assert.equal(runchart('exec', '--detach', '--process', asked, id).status, 0);
      const pids: readonly number[] = JSON.parse(runchart('ps', '-f', 'json', id).stdout);
      const added = pids.find((one) => one !== pid && proc(one, 'cmdline').includes('2000'));
      assert.ok(added, `it runs beside ${pid}: ${pids}`);
      try {
        return labelOf(added);
      } finally {
        globalThis.process.kill(added, 'SIGKILL');
      }
    }

    it('labels in a user namespace, whose /proc has masks on it', async () => {
      const config = labelled();
      const life = await start(labelled({ linux: { ...config.linux, ...withUserNamespace(config) } }));
      assert.equal(labelOf(life.pid), PROCESS);
      assert.equal(inside(life, 'cat /proc/self/attr/current'), PROCESS);
    });

    it('leaves a container without a label as the runtime is', async () => {
      const { pid } = await start(resting());
      assert.equal(labelOf(pid), ownLabel());
    });

    it('keeps a container from the files of another, where it forbids', async () => {
      const [own, others] = ['own', 'others'].map((name) => join(host.path, name)) as [string, string];
      const type = 'system_u:object_r:container_file_t';
      for (const [folder, categories] of [
        [own, OWN],
        [others, OTHERS],
      ] as const) {
        mkdirSync(folder);
        writeFileSync(join(folder, 'file'), 'text');
        label(`${type}:${categories}`, folder);
      }
      const bind = (source: string, destination: string): Mount => ({ source, destination, options: ['rbind'] });
      const life = await start(labelled({ mounts: [bind(own, '/own'), bind(others, '/others')] }));
      assert.equal(inside(life, 'cat /own/file; echo more >> /own/file'), 'text');
      const read = inside(life, 'cat /others/file || true');
      if (isEnforcing) assert.match(read, /Permission denied/);
      else assert.equal(read, 'text');
    });

    it('labels what is mounted for the container, which may use it', async () => {
      const scratch: Mount = { type: 'tmpfs', source: 'tmpfs', destination: '/tmp' };
      const life = await start(labelled({ mounts: [scratch] }));
      const mounted = ['/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/tmp', '/proc/acpi', '/sys/firmware'];
      assert.deepEqual(
        mounted.map((path) => [path, labelOfFile(`/proc/${life.pid}/root${path}`)]),
        mounted.map((path) => [path, FILES]),
      );
      const writes = ['/dev/shm', '/tmp'].map((path) => `echo x > ${path}/x && cat ${path}/x`);
      assert.equal(
        inside(life, [...writes, 'ls /proc/acpi /sys/firmware', 'echo > /dev/null'].join(' && ')).slice(0, 3),
        'x\nx',
      );
    });

    it('labels the session keyring', async () => {
      const maskedPaths = (resting().linux?.maskedPaths ?? []).filter((path) => path !== '/proc/keys');
      const life = await start(labelled({ linux: { ...labelled().linux, maskedPaths } }));
      const line = inside(life, 'cat /proc/keys')
        .split('\n')
        .find((one) => one.includes(`_ses.${life.id}`));
      assert.ok(line, 'the keyring is seen in /proc/keys');
      const serial = Number.parseInt(line, 16);
      const text = out(256);
      perform(hostPlatform().local, [{ name: 'keyctl', args: [KEYCTL_GET_SECURITY, serial, text, 256, 0] }]);
      assert.equal(new TextDecoder().decode(text.bytes).replace(/\0.*$/s, ''), PROCESS);
    });

    it('labels where the image has files of its own at /proc', async () => {
      const id = host.idFor(runchart);
      const config = labelled();
      const made = bundle(id, { ...config, mounts: (config.mounts ?? []).filter(({ type }) => type !== 'proc') });
      for (const task of ['self', 'thread-self', '1']) {
        mkdirSync(join(made, 'rootfs/proc', task, 'attr'), { recursive: true });
        for (const name of ['exec', 'keycreate', 'current'])
          writeFileSync(join(made, 'rootfs/proc', task, 'attr', name), '');
      }
      label(FILES, join(made, 'rootfs'));
      const { status, stderr } = runchart('run', '--detach', '--bundle', made, id);
      assert.equal(status, 0, stderr);
      const { pid } = JSON.parse(runchart('state', id).stdout);
      await until('the program is executed', () => proc(pid, 'cmdline').startsWith('sleep'));
      assert.equal(labelOf(pid), PROCESS);
    });

    it('labels what exec adds where the container has covered its /proc', async () => {
      const { id, pid } = await start(labelled());
      const cover =
        'mount -t tmpfs none /proc && for t in self thread-self 1; do mkdir -p /proc/$t/attr && ' +
        'touch /proc/$t/attr/exec /proc/$t/attr/keycreate; done';
      execFileSync('nsenter', ['--mount', '--target', String(pid), '/bin/busybox', 'sh', '-c', cover]);
      assert.equal(runchart('exec', '--detach', id, 'sleep', '2000').status, 0);
      const pids: readonly number[] = JSON.parse(runchart('ps', '-f', 'json', id).stdout);
      const added = pids.find((one) => proc(one, 'cmdline').includes('2000'));
      assert.ok(added);
      assert.equal(labelOf(added), PROCESS);
    });

    it('refuses what is no label, and leaves nothing', () => {
      const id = host.idFor(runchart);
      const made = bundle(id, labelled({ process: { selinuxLabel: 'nonsense' } }));
      const ended = runchart('run', '--bundle', made, id);
      assert.equal(ended.status, 1);
      assert.match(messageOf(ended), /"nonsense".*EINVAL/);
      assert.match(messageOf(runchart('state', id)), /does not exist/);
      const second = host.idFor(runchart);
      const mounted = bundle(second, labelled({ linux: { mountLabel: 'nonsense' } }));
      assert.match(messageOf(runchart('run', '--bundle', mounted, second)), /tmpfs on \/dev.*EINVAL/);
      assert.match(messageOf(runchart('state', second)), /does not exist/);
    });

    it('fails where the policy forbids the label, and leaves nothing', {
      skip: !isEnforcing && 'nothing is forbidden',
    }, () => {
      const id = host.idFor(runchart);
      const made = bundle(id, labelled({ process: { selinuxLabel: 'system_u:system_r:getty_t:s0' } }));
      const ended = runchart('run', '--bundle', made, id);
      assert.notEqual(ended.status, 0);
      assert.match(messageOf(ended), /permission denied|operation not permitted/);
      assert.match(messageOf(runchart('state', id)), /does not exist/);
    });
  });
