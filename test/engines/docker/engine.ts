/** A dockerd for the test alone, with a containerd of its own. There is one for each runtime, which is its default. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lasting } from '../../integration/leftovers.ts';
import { PATIENCE } from '../../integration/patience.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { engineFolders, footprint, mountsBelow, removeCgroup } from '../footprint.ts';
import { located, program, quoted } from '../program.ts';
import { type Engine, scriptPrograms } from '../scenario.ts';
import { snippetFor } from '../snippets.ts';

export interface Docker extends Engine {
  /** Removes all that it has. @returns what is left after that */
  close(): Promise<string[]>;
}

/**
 * @param runtime the name by which docker knows the runtime
 * @param path the path of the runtime
 * @param archive the archive of the image's root file system
 */
export async function openDocker(folder: string, runtime: string, path: string, archive: string): Promise<Docker> {
  const cgroup = `runchart-test-${process.pid}-docker-${runtime}`;
  const removeEngineFolders = engineFolders();
  const bin = join(folder, 'bin');
  mkdirSync(folder);
  scriptPrograms(bin);
  const docker = located('docker') ?? '/usr/bin/docker';
  // docker knows a runtime named runc already.
  const name = `the-${runtime}`;
  const under = program(join(folder, 'runtime'), runtime, `exec ${quoted(path)} "$@"`);
  const config = join(folder, 'daemon.json');
  writeFileSync(config, JSON.stringify(configuration(folder, cgroup, name, under)));
  program(bin, 'docker', `exec ${quoted(docker)} "$@"`);
  const env: NodeJS.ProcessEnv = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    TMPDIR: folder,
    DOCKER_HOST: `unix://${folder}/docker.sock`,
    NAME: name,
    TERM: 'xterm',
  };
  const client = (...args: readonly string[]) =>
    spawnSync(docker, args, { env, encoding: 'utf8', timeout: 60_000 * PATIENCE });
  const daemon: Daemon = await startDaemon(
    [located('dockerd') ?? '/usr/sbin/dockerd', '--config-file', config],
    env,
    join(folder, 'dockerd.log'),
    () => existsSync(join(folder, 'docker.sock')) && client('version').status === 0,
  );
  execFileSync(docker, ['import', archive, 'localhost/box'], { env, stdio: 'pipe' });

  return {
    runtime,
    folder,
    env,
    async close() {
      const containers = client('ps', '--all', '--quiet')
        .stdout.split('\n')
        .filter((id) => id !== '');
      if (containers.length > 0) client('rm', '--force', ...containers);
      await daemon.stop();
      for (const point of mountsBelow(folder)) spawnSync('umount', [point]);
      const left = await lasting(() => footprint(folder, cgroup));
      if (!left.some((trace) => trace.startsWith('process'))) removeCgroup(cgroup);
      removeEngineFolders();
      return left;
    },
  };
}

/** The configuration of docs/engines.md, and what makes it private. */
const configuration = (folder: string, cgroup: string, runtime: string, path: string) => ({
  ...JSON.parse(snippetFor('daemon.json', runtime, path)),
  'default-runtime': runtime,
  hosts: [`unix://${folder}/docker.sock`],
  'data-root': join(folder, 'data'),
  'exec-root': join(folder, 'exec'),
  pidfile: join(folder, 'docker.pid'),
  'cgroup-parent': `/${cgroup}`,
  'exec-opts': ['native.cgroupdriver=cgroupfs'],
  'storage-driver': 'vfs',
  // It has no bridge and leaves the firewall alone, since tests change nothing of the machine's network.
  bridge: 'none',
  iptables: false,
  ip6tables: false,
  'log-level': 'warn',
});
