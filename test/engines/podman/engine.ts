/**
 * A podman for the test alone. Its configuration, storage, locks and state are in one folder, its cgroups in one
 * cgroup.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lasting } from '../../integration/leftovers.ts';
import { footprint, mountsBelow, removeCgroup } from '../footprint.ts';
import { located, program, quoted } from '../program.ts';
import { type Engine, scriptPrograms } from '../scenario.ts';
import { snippetFor } from '../snippets.ts';

/** Podman's own limit, in characters. Beyond it, what cleans up after a container fails. */
const LONGEST_RUNROOT = 50;

export interface Podman extends Engine {
  /** Removes all that it has. @returns what is left after that */
  close(): Promise<string[]>;
}

/**
 * @param runtime the name by which podman knows the runtime
 * @param path the path of the runtime
 * @param archive the archive of the image's root file system
 * @param volatile a folder for what podman keeps in /run by default, such as the state of the runtime
 * @throws if podman does not run here
 */
export function openPodman(
  folder: string,
  runtime: string,
  path: string,
  archive: string,
  volatile = tmpdir(),
): Podman {
  const cgroup = `runchart-test-${process.pid}-podman-${runtime}`;
  const runroot = mkdtempSync(join(volatile, 'podman-'));
  if (runroot.length > LONGEST_RUNROOT) throw new Error(`the path of ${volatile} is too long for podman`);
  const bin = join(folder, 'bin');
  mkdirSync(folder);
  scriptPrograms(bin);
  program(bin, 'podman', clientScript(cgroup));
  const under = program(
    join(folder, 'runtime'),
    runtime,
    `exec ${quoted(path)} --root ${quoted(join(runroot, 'state'))} "$@"`,
  );
  writeFileSync(join(folder, 'containers.conf'), containersConf(folder, runroot, runtime, under));
  writeFileSync(join(folder, 'storage.conf'), storageConf(folder, runroot));
  const env: NodeJS.ProcessEnv = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    TMPDIR: folder,
    CONTAINERS_CONF: join(folder, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    // The scenarios run health checks, not timers of systemd.
    DISABLE_HC_SYSTEMD: 'true',
    RUNTIME: under,
    TERM: 'xterm',
  };
  execFileSync(join(bin, 'podman'), ['import', archive, 'localhost/box'], { env, stdio: 'pipe' });

  const podman = (...args: readonly string[]) => spawnSync(join(bin, 'podman'), args, { env, stdio: 'pipe' });
  return {
    runtime,
    folder,
    env,
    async close() {
      podman('pod', 'rm', '--force', '--all', '--time', '0');
      podman('rm', '--force', '--all', '--time', '0');
      // The mounts of the storage stay, by design, until the machine is shut down.
      for (const point of mountsBelow(join(folder, 'storage'))) spawnSync('umount', [point]);
      const left = await lasting(() => [...footprint(folder, cgroup), ...mountsBelow(runroot)]);
      if (!left.some((trace) => trace.startsWith('process'))) removeCgroup(cgroup);
      rmSync(runroot, { recursive: true });
      return left;
    },
  };
}

/** Adds the cgroup to commands that make containers. Otherwise podman would use its own, which others may use too. */
const clientScript = (cgroup: string): string => `for word; do
  shift
  case $seen$word in
    exec | healthcheck | volume) seen=yes; set -- "$@" "$word" ;;
    create | run) seen=yes; set -- "$@" "$word" --cgroup-parent=/${cgroup} ;;
    *) set -- "$@" "$word" ;;
  esac
done
exec ${located('podman') ?? '/usr/bin/podman'} "$@"`;

/** The configuration of docs/engines.md, and what makes it private. */
const containersConf = (folder: string, runroot: string, runtime: string, path: string): string =>
  `${snippetFor('containers.conf', runtime, path).replace(
    '[engine]\n',
    `[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
init_path = "/usr/bin/catatonit"
lock_type = "file"
static_dir = "${folder}/storage/libpod"
tmp_dir = "${runroot}/tmp"
volume_path = "${folder}/volumes"
`,
  )}
[containers]
netns = "none"
# Without CAP_SYS_RESOURCE, podman asks for more than it may have.
default_ulimits = ["nofile=1024:1024", "nproc=2048:2048"]
`;

const storageConf = (folder: string, runroot: string): string => `
[storage]
driver = "vfs"
graphroot = "${folder}/storage"
runroot = "${runroot}"
`;
