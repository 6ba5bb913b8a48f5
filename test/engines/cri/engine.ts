/** A containerd with the CRI's plug-in for the test alone. It knows both runtimes, each by a handler. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lasting } from '../../integration/leftovers.ts';
import { PATIENCE } from '../../integration/patience.ts';
import { type ResidentServer, ready, residentDist } from '../../integration/resident-server.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { endAll, engineFolders, footprint, mountsBelow, removeCgroup } from '../footprint.ts';
import { located } from '../program.ts';
import { snippet } from '../snippets.ts';
import { type Cri, connectCri } from './client.ts';
import { criMessages } from './messages.ts';
import { type NetworkNamespace, networkNamespace } from './netns.ts';
import { until } from './until.ts';

/** The plug-in's own namespace of containers. */
const NAMESPACE = 'k8s.io';
/** Debian puts CNI's plug-ins there. */
export const CNI_PLUGINS = '/usr/lib/cni';
/** The image of containers, and the one of the process that keeps a pod's namespaces. */
export const BOX = 'localhost/box:latest';
export const PAUSE = 'localhost/pause:latest';

/**
 * The folder of another version's containerd, containerd-shim-runc-v2 and ctr. Debian 12 has 1.6, and user namespaces
 * for pods came later.
 */
const OTHER = process.env.RUNCHART_TEST_CONTAINERD;
export const CONTAINERD = OTHER === undefined ? located('containerd') : join(OTHER, 'containerd');

/** What a kubelet calls a node: a machine that runs pods. */
export interface CriNode {
  readonly folder: string;
  readonly cri: Cri;
  readonly network: NetworkNamespace;
  /** The folder with our runtime's files. */
  readonly installed: string;
  /** How many commands a resident server has performed; undefined if there is none. */
  served(): number | undefined;
  /** The name of the cgroup of a handler's pods, at the top of each hierarchy. */
  cgroup(handler: string): string;
  /** Ends containerd and starts it again; pods stay. @param meanwhile is called between the two */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** Removes all that it has. Its pods must be gone. @returns what is left after that */
  close(): Promise<string[]>;
}

/**
 * @param archives of the images
 * @param handlers the path of the program by the name of the handler
 * @param resident whether a resident server of a copy of our runtime performs its commands
 */
export async function openNode(
  folder: string,
  archives: readonly string[],
  handlers: Readonly<Record<string, string>>,
  resident = false,
): Promise<CriNode> {
  const removeEngineFolders = engineFolders();
  mkdirSync(folder);
  const socket = join(folder, 'containerd.sock');
  const config = join(folder, 'config.toml');
  const program = resident ? residentDist(folder).program : install(handlers.runchart ?? '', join(folder, 'installed'));
  writeFileSync(config, configuration(folder, socket, { ...handlers, runchart: program }));
  networkConfiguration(folder);
  const network = await networkNamespace();
  const containerd = CONTAINERD ?? '';
  const env = { PATH: `${dirname(containerd)}:${process.env.PATH}`, HOME: folder, TMPDIR: folder };
  const ctr = (...args: readonly string[]) =>
    spawnSync(join(dirname(containerd), 'ctr'), ['--address', socket, '--namespace', NAMESPACE, ...args], {
      env: { ...env, CONTAINERD_SNAPSHOTTER: 'native' },
      encoding: 'utf8',
      timeout: 60_000 * PATIENCE,
    });
  const cri = connectCri(criMessages(containerd), socket);
  async function start(): Promise<Daemon> {
    const started = await startDaemon(
      [...network.enter, containerd, '--config', config],
      env,
      join(folder, 'containerd.log'),
      () => existsSync(socket) && ctr('version').status === 0,
    );
    // The plug-in first finds out what became of its pods.
    await until(
      () =>
        cri.call('Status', {}).then(
          () => true,
          () => false,
        ),
      (served) => served,
    );
    return started;
  }
  const cgroup = (handler: string) => `runchart-test-${process.pid}-cri-${handler}`;

  let daemon: Daemon | undefined;
  let server: ResidentServer | undefined;
  try {
    if (resident) server = await serve(network, program);
    daemon = await start();
    // The plug-in unpacks an image when its first container is made.
    for (const archive of archives) {
      const imported = ctr('images', 'import', '--no-unpack', archive);
      if (imported.status !== 0) throw new Error(`ctr images import: ${imported.stderr}`);
    }
  } catch (error) {
    cri.close();
    await daemon?.stop();
    await server?.stop();
    await network[Symbol.asyncDispose]();
    throw error;
  }

  return {
    folder,
    cri,
    network,
    installed: dirname(program),
    served: () => server?.status().commands,
    cgroup,
    async restart(meanwhile = async () => {}) {
      await daemon?.stop();
      await meanwhile();
      daemon = await start();
    },
    async close() {
      cri.close();
      await daemon?.stop();
      await server?.stop();
      await network[Symbol.asyncDispose]();
      for (const point of mountsBelow(folder)) spawnSync('umount', [point]);
      const cgroups = Object.keys(handlers).map(cgroup);
      // containerd 2.1 leaves the shim of a pod whose own process was killed, whatever the runtime.
      if (OTHER !== undefined) endAll(folder, 'containerd-shim');
      const left = await lasting(() => [...new Set(cgroups.flatMap((name) => footprint(folder, name)))]);
      // What a failed test has left must not stay, though it is told.
      if (left.length > 0) for (const name of [folder, ...cgroups]) endAll(folder, name);
      await lasting(() => cgroups.flatMap((name) => footprint(folder, name)).filter((trace) => /^process/.test(trace)));
      for (const point of mountsBelow(folder)) spawnSync('umount', [point]);
      for (const name of cgroups) removeCgroup(name);
      removeEngineFolders([NAMESPACE]);
      return left;
    },
  };
}

/** A server serves callers in its own network namespace only. */
function serve(network: NetworkNamespace, program: string): Promise<ResidentServer> {
  const words = ['--pdeathsig', 'TERM', ...network.enter, program, 'serve'];
  return ready(spawn('setpriv', words, { stdio: ['ignore', 'ignore', 'inherit'] }), program);
}

/** The files that belong together (docs/engines.md), but for the page of `runchart watch`. */
export const RUNTIME_FILES = ['runchart', 'runchart-engine', 'koffi.node'];

/** Links to the files of the program, which a test may replace. @returns the path of the program there */
function install(program: string, folder: string): string {
  mkdirSync(folder);
  for (const name of RUNTIME_FILES) symlinkSync(join(dirname(program), name), join(folder, name));
  return join(folder, 'runchart');
}

/** The configuration of docs/engines.md, and what makes it private. */
function configuration(folder: string, socket: string, handlers: Readonly<Record<string, string>>): string {
  const { runchart = '', ...others } = handlers;
  const page = snippet('config.toml')
    .replace('/usr/local/bin/runchart', runchart)
    .replace('/run/runchart', `${folder}/runchart.state`)
    .replace(/^ *default_runtime_name = .*$/m, '$&\n  snapshotter = "native"');
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.nri.v1.nri"]
${page}
${Object.entries(others)
  .map(
    ([name, path]) => `
[${cri}.containerd.runtimes.${name}.options]
  BinaryName = "${path}"
  Root = "${folder}/${name}.state"`,
  )
  .join('')}

[${cri}]
  sandbox_image = "${PAUSE}"
  netns_mounts_under_state_dir = true
  # The tests' machine may not lower a process's score.
  restrict_oom_score_adj = true
[${cri}.cni]
  bin_dir = "${CNI_PLUGINS}"
  conf_dir = "${folder}/cni"

[grpc]
address = "${socket}"
[debug]
address = "${folder}/debug.sock"
level = "warn"
`;
}

/** A pair of devices for each pod, without a bridge or a firewall. */
function networkConfiguration(folder: string): void {
  mkdirSync(join(folder, 'cni'));
  const ranges = [[{ subnet: '10.88.0.0/16' }]];
  const ipam = { type: 'host-local', dataDir: join(folder, 'addresses'), ranges, routes: [{ dst: '0.0.0.0/0' }] };
  writeFileSync(
    join(folder, 'cni/10-tests.conflist'),
    JSON.stringify({ cniVersion: '0.4.0', name: 'tests', plugins: [{ type: 'ptp', ipam }] }),
  );
}
