/** A containerd for the test alone. It serves both runtimes, each in a namespace, whose name the cgroup has too. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lasting } from '../../integration/leftovers.ts';
import { PATIENCE } from '../../integration/patience.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { endAll, engineFolders, footprint, mountsBelow, removeCgroup } from '../footprint.ts';
import { located, program, quoted } from '../program.ts';
import { type Engine, scriptPrograms } from '../scenario.ts';

export interface Containerd {
  /** @param path the path of the runtime */
  engine(runtime: string, path: string): Engine;
  /** Removes all that it has. @returns what is left after that */
  close(): Promise<string[]>;
}

/** @param archive the archive of the image, which is named box */
export async function openContainerd(folder: string, archive: string): Promise<Containerd> {
  const removeEngineFolders = engineFolders();
  const config = join(folder, 'config.toml');
  const socket = join(folder, 'containerd.sock');
  const ctr = located('ctr') ?? '/usr/bin/ctr';
  const namespaces: string[] = [];
  mkdirSync(folder);
  writeFileSync(config, configuration(folder, socket));
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: folder,
    TMPDIR: folder,
    CONTAINERD_ADDRESS: socket,
    CONTAINERD_SNAPSHOTTER: 'native',
  };
  const client = (namespace: string, ...args: readonly string[]) =>
    spawnSync(ctr, ['--namespace', namespace, ...args], { env, encoding: 'utf8', timeout: 30_000 * PATIENCE });
  const daemon: Daemon = await startDaemon(
    [located('containerd') ?? '/usr/bin/containerd', '--config', config],
    env,
    join(folder, 'containerd.log'),
    () => existsSync(socket) && client('default', 'version').status === 0,
  );

  function engine(runtime: string, path: string): Engine {
    const namespace = `runchart-test-${process.pid}-containerd-${runtime}`;
    const own = join(folder, runtime);
    const bin = join(own, 'bin');
    scriptPrograms(bin);
    const under = program(join(own, 'runtime'), runtime, `exec ${quoted(path)} "$@"`);
    program(
      bin,
      'ctr',
      // ctr is told the runtime and the folder for FIFOs at `run`, and does not ask for them afterwards.
      `case "$1 $2" in
  run\\ *) shift; set -- run --runc-binary ${quoted(under)} --runc-root ${quoted(join(own, 'state'))} \\
    --fifo-dir ${quoted(join(own, 'fifo'))} "$@" ;;
  'tasks exec') shift 2; set -- tasks exec --fifo-dir ${quoted(join(own, 'fifo'))} "$@" ;;
esac
exec ${ctr} "$@"`,
    );
    const imported = client(namespace, 'images', 'import', '--no-unpack', archive);
    if (imported.status !== 0) throw new Error(`ctr images import: ${imported.stderr}`);
    namespaces.push(namespace);
    return {
      runtime,
      folder: own,
      env: {
        ...env,
        PATH: `${bin}:${process.env.PATH}`,
        CONTAINERD_NAMESPACE: namespace,
        RUNTIME: under,
        CGROUP: `/${namespace}`,
      },
    };
  }

  return {
    engine,
    async close() {
      for (const namespace of namespaces) {
        for (const id of lines(client(namespace, 'containers', 'list', '--quiet').stdout)) {
          client(namespace, 'tasks', 'delete', '--force', id);
          client(namespace, 'containers', 'delete', id);
        }
      }
      await daemon.stop();
      // A peer's shim may not have heard of the end of a task. That is not what is tested here.
      for (const namespace of namespaces.filter((name) => name.endsWith('-runc'))) endAll(folder, namespace);
      for (const point of mountsBelow(folder)) spawnSync('umount', [point]);
      const left = await lasting(() => namespaces.flatMap((namespace) => footprint(folder, namespace)));
      if (!left.some((trace) => trace.startsWith('process')))
        for (const namespace of namespaces) removeCgroup(namespace);
      removeEngineFolders(namespaces);
      return left;
    },
  };
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

const configuration = (folder: string, socket: string): string => `
version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "${socket}"
[debug]
address = "${folder}/debug.sock"
level = "warn"
`;
