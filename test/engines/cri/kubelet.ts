/** What a kubelet does with one handler's pods: the calls that it makes, in its order, with what it fills in. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cri } from './client.ts';
import { BOX, type CriNode } from './engine.ts';
import { until } from './until.ts';

export interface ContainerStatus {
  readonly id: string;
  readonly state: string;
  readonly exit_code: number;
  readonly reason: string;
  readonly message: string;
  readonly started_at: string;
  readonly finished_at: string;
}

export interface PodStatus {
  readonly id: string;
  readonly state: string;
  readonly network: { readonly ip: string } | null;
}

export interface Probe {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Messages of the CRI, as far as a test fills them in; the rest comes from the kubelet. */
export interface PodOptions {
  readonly attempt?: number;
  readonly hostname?: string;
  readonly security?: object;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly overhead?: object;
}

export interface ContainerOptions {
  readonly attempt?: number;
  readonly args?: readonly string[];
  readonly resources?: object;
  readonly security?: object;
  readonly more?: object;
}

export interface Container {
  readonly id: string;
  start(): Promise<void>;
  status(): Promise<ContainerStatus>;
  /** The runtime's configuration and whatever else the plug-in tells those who ask for all. */
  info(): Promise<Readonly<Record<string, unknown>>>;
  /** Runs a command in it, as probes of the kind `exec` do. @param seconds its time limit; 0 is none */
  probe(command: readonly string[], seconds?: number): Promise<Probe>;
  /** The same with a shell. @returns what it prints on both streams */
  shell(script: string): Promise<string>;
  stop(graceSeconds: number): Promise<void>;
  remove(): Promise<void>;
  /** Waits until it has ended. */
  ended(): Promise<ContainerStatus>;
  /** The text of its log. */
  log(): string;
  /** The log's path on the host. */
  readonly logPath: string;
}

export interface Pod {
  readonly id: string;
  readonly config: object;
  status(): Promise<PodStatus>;
  /** Creates a container. @param script for the shell, or options with the program's arguments */
  create(name: string, script: string, options?: ContainerOptions): Promise<Container>;
  /** Creates and starts it. */
  run(name: string, script: string, options?: ContainerOptions): Promise<Container>;
  /** Ends its containers and its process, and takes its network away. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

export interface Kubelet {
  readonly handler: string;
  readonly cri: Cri;
  readonly node: CriNode;
  /** A folder for whatever a test shares with its containers. */
  readonly folder: string;
  /** The cgroup of all its pods, as the config names it. */
  readonly cgroup: string;
  pod(name: string, options?: PodOptions): Promise<Pod>;
  /** Stops and removes all its pods. */
  removeAll(): Promise<void>;
}

interface Pair {
  readonly key: string;
  readonly value: string;
}

/** A map, as it is written in descriptors. */
export const pairs = (map: Readonly<Record<string, string>>): readonly Pair[] =>
  Object.entries(map).map(([key, value]) => ({ key, value }));

export function kubelet(node: CriNode, handler: string): Kubelet {
  const { cri } = node;
  const folder = join(node.folder, `on-${handler}`);
  const cgroup = `/${node.cgroup(handler)}`;
  mkdirSync(folder, { recursive: true });

  async function pod(name: string, options: PodOptions = {}): Promise<Pod> {
    const config = podConfig(handler, name, cgroup, folder, options);
    const { pod_sandbox_id: id } = await cri.call<{ pod_sandbox_id: string }>('RunPodSandbox', {
      config,
      runtime_handler: handler,
    });
    const create = (one: string, script: string, more: ContainerOptions = {}) =>
      createContainer(cri, id, config, one, script, more);
    return {
      id,
      config,
      create,
      async status() {
        return (await cri.call<{ status: PodStatus }>('PodSandboxStatus', { pod_sandbox_id: id })).status;
      },
      async run(one, script, more) {
        const container = await create(one, script, more);
        await container.start();
        return container;
      },
      stop: () => cri.call('StopPodSandbox', { pod_sandbox_id: id }),
      remove: () => cri.call('RemovePodSandbox', { pod_sandbox_id: id }),
    };
  }

  return {
    handler,
    cri,
    node,
    folder,
    cgroup,
    pod,
    async removeAll() {
      const filter = { label_selector: pairs({ handler }) };
      const { items } = await cri.call<{ items: { id: string }[] }>('ListPodSandbox', { filter });
      for (const { id } of items) {
        await cri.call('StopPodSandbox', { pod_sandbox_id: id });
        await cri.call('RemovePodSandbox', { pod_sandbox_id: id });
      }
    },
  };
}

interface PodConfig {
  readonly log_directory: string;
}

function podConfig(handler: string, name: string, cgroup: string, folder: string, options: PodOptions): PodConfig {
  const { attempt = 0, hostname = name, security = {}, sysctls = {}, overhead } = options;
  const logs = join(folder, 'logs', name);
  mkdirSync(logs, { recursive: true });
  return {
    metadata: { name, uid: `uid-of-${name}`, namespace: handler, attempt },
    hostname,
    log_directory: logs,
    dns_config: { servers: ['10.0.0.10'], searches: ['cluster.local'], options: ['ndots:5'] },
    labels: pairs({ handler, 'io.kubernetes.pod.name': name }),
    annotations: pairs({ 'kubernetes.io/config.source': 'api' }),
    linux: {
      cgroup_parent: cgroup,
      ...(overhead === undefined ? {} : { overhead }),
      sysctls: pairs(sysctls),
      security_context: {
        namespace_options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' },
        seccomp: { profile_type: 'RuntimeDefault' },
        ...security,
      },
    },
  } as PodConfig;
}

async function createContainer(
  cri: Cri,
  podId: string,
  podConfig: PodConfig,
  name: string,
  script: string,
  options: ContainerOptions,
): Promise<Container> {
  const { attempt = 0, args = ['sh', '-c', script], resources = {}, security = {}, more = {} } = options;
  const { log_directory: logs } = podConfig;
  mkdirSync(join(logs, name), { recursive: true });
  const file = join(name, `${attempt}.log`);
  const config = {
    metadata: { name, attempt },
    image: { image: BOX },
    command: args,
    envs: [{ key: 'KUBERNETES_PORT', value: 'tcp://10.0.0.1:443' }],
    labels: pairs({ 'io.kubernetes.container.name': name }),
    annotations: pairs({ 'io.kubernetes.container.restartCount': String(attempt) }),
    log_path: file,
    linux: {
      resources: { cpu_shares: 2, oom_score_adj: 1000, ...resources },
      security_context: {
        namespace_options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' },
        seccomp: { profile_type: 'RuntimeDefault' },
        ...KUBELETS_PATHS,
        ...security,
      },
    },
    ...more,
  };
  const request = { pod_sandbox_id: podId, config, sandbox_config: podConfig };
  const { container_id: id } = await cri.call<{ container_id: string }>('CreateContainer', request);
  return container(cri, id, join(logs, file));
}

/** What a kubelet asks to be hidden, or to be only read, in containers without privileges. */
const KUBELETS_PATHS = {
  masked_paths: [
    ...['/proc/asound', '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'],
    ...['/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware'],
  ],
  readonly_paths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
};

export function container(cri: Cri, id: string, logPath: string): Container {
  const of = { container_id: id };
  const status = async () => (await cri.call<{ status: ContainerStatus }>('ContainerStatus', of)).status;

  async function probe(command: readonly string[], seconds = 0): Promise<Probe> {
    const answer = await cri.call<{ exit_code: number; stdout: Buffer; stderr: Buffer }>('ExecSync', {
      ...of,
      cmd: command,
      timeout: seconds,
    });
    return { exit_code: answer.exit_code, stdout: String(answer.stdout), stderr: String(answer.stderr) };
  }

  return {
    id,
    logPath,
    status,
    probe,
    start: () => cri.call('StartContainer', of),
    async info() {
      const { info } = await cri.call<{ info: Pair[] }>('ContainerStatus', { ...of, verbose: true });
      return JSON.parse(info.find(({ key }) => key === 'info')?.value ?? '');
    },
    async shell(script) {
      const { stdout, stderr } = await probe(['sh', '-c', script]);
      return stdout + stderr;
    },
    stop: (graceSeconds) => cri.call('StopContainer', { ...of, timeout: graceSeconds }),
    remove: () => cri.call('RemoveContainer', of),
    ended: () => until(status, ({ state }) => state === 'CONTAINER_EXITED'),
    log: () => readFileSync(logPath, 'utf8'),
  };
}

/** @returns the pid of the process that keeps a pod's namespaces */
export async function podPid(cri: Cri, id: string): Promise<number> {
  const { info } = await cri.call<{ info: Pair[] }>('PodSandboxStatus', { pod_sandbox_id: id, verbose: true });
  return JSON.parse(info.find(({ key }) => key === 'info')?.value ?? '').pid;
}

/** What of a container's status tells how it ended. */
export const ending = ({ state, exit_code, reason, message }: ContainerStatus) => ({
  state,
  exit_code,
  reason,
  message,
});
