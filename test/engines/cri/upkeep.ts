/** What an operator does to a node whose pods run on: containerd ends and comes back, and the runtime is upgraded. */

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { RUNCHART } from '../../integration/command-line.ts';
import { namesIn, textOf } from '../../integration/gone-meanwhile.ts';
import { lasting } from '../../integration/leftovers.ts';
import { endAll, footprint, removeCgroup } from '../footprint.ts';
import { type CriNode, RUNTIME_FILES } from './engine.ts';
import { type Container, ending, type Kubelet, kubelet, type Pod } from './kubelet.ts';
import { compare, same } from './story.ts';
import { until } from './until.ts';

const WAIT = 'while :; do sleep 0.1; done';

interface Running {
  readonly one: Kubelet;
  readonly pod: Pod;
  readonly main: Container;
  readonly other: Container;
}

/** A pod with a container that counts, and with one that ends when it is told to, by a file. */
async function runPod(node: CriNode, handler: string): Promise<Running> {
  const one = kubelet(node, handler);
  const volume = join(one.folder, 'volume');
  mkdirSync(volume, { recursive: true });
  const more = { mounts: [{ container_path: '/volume', host_path: volume }] };
  const pod = await one.pod('kept');
  const counter = "trap 'exit 3' TERM; n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done";
  const main = await pod.run('main', counter, { resources: { memory_limit_in_bytes: 64 << 20 } });
  const other = await pod.run('other', 'until test -e /volume/go; do sleep 0.05; done; exit 4', { more });
  return { one, pod, main, other };
}

const release = ({ one }: Running): void => writeFileSync(join(one.folder, 'volume/go'), '');

/** The numbers of its log, without a gap. @returns the last one */
function counted(container: Container): number {
  const numbers = container
    .log()
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[3]));
  const gap = numbers.findIndex((number, index) => number !== index + 1);
  if (gap >= 0) throw new Error(`the log goes from ${numbers[gap - 1]} to ${numbers[gap]}`);
  return numbers.length;
}

/** Everything that a kubelet does with a pod, once more. */
async function goesOn({ one, pod, main, other }: Running): Promise<unknown> {
  const before = counted(main);
  await until(
    async () => counted(main),
    (count) => count > before,
  );
  const { state } = await pod.status();
  const probe = await main.probe(['sh', '-c', 'echo probed; exit 6'], 10);
  await one.cri.call('UpdateContainerResources', { container_id: main.id, linux: { cpu_shares: 64 } });
  const { stats } = await one.cri.call<{ stats: { cpu: object | null } }>('ContainerStats', { container_id: main.id });
  const added = await pod.run('added', 'echo added; exit 2');
  const end = ending(await added.ended());
  await main.stop(100);
  const next = await one.pod('next');
  const more = await next.run('more', WAIT);
  return {
    state,
    probe,
    measured: stats.cpu !== null,
    added: end,
    main: ending(await main.status()),
    other: ending(await other.ended()),
    more: (await more.status()).state,
  };
}

const exited = (exit_code: number) => ({ state: 'CONTAINER_EXITED', exit_code, reason: 'Error', message: '' });

/** What `goesOn` must see, but for the other container. */
const WENT_ON = {
  state: 'SANDBOX_READY',
  probe: { exit_code: 6, stdout: 'probed\n', stderr: '' },
  measured: true,
  added: exited(2),
  main: exited(3),
  more: 'CONTAINER_RUNNING',
};

/** @returns what each handler's kubelet sees, and removes its pods */
async function seenBy(pods: readonly Running[], see: (running: Running) => Promise<unknown>): Promise<unknown[]> {
  const ends = await Promise.allSettled(pods.map(async (running) => same(await see(running), running.one)));
  for (const { one } of pods) {
    await one.removeAll();
    rmSync(one.folder, { recursive: true });
  }
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

export function upkeep(node: () => CriNode, handlers: readonly string[]): void {
  const runPods = () => Promise.all(handlers.map((handler) => runPod(node(), handler)));

  it('containerd ends and comes back under running pods, of which a container ends meanwhile', async (t) => {
    const pods = await runPods();
    await node().restart(async () => {
      for (const running of pods) release(running);
      const programs = () => processes().filter((command) => command.includes('/volume/go'));
      await until(
        async () => programs(),
        ({ length }) => length === 0,
      );
    });
    const [own, peer] = await seenBy(pods, goesOn);
    // containerd 1.7 does not know any more how what ended meanwhile has ended, whatever the runtime.
    const { other } = own as { readonly other: unknown };
    compare(t, { expected: { ...WENT_ON, other } }, own, peer);
  });

  it('the runtime’s files are replaced under running containers, while probes go on', async (t) => {
    const pods = await runPods();
    let over = false;
    const probing = Promise.all(
      pods.map(async ({ main }) => {
        const statuses = new Set<number>();
        for (let count = 0; !over || count < 10; count++) statuses.add((await main.probe(['true'], 60)).exit_code);
        return [...statuses];
      }),
    );
    for (let round = 0; round < 3; round++) upgrade(node().installed);
    over = true;
    const [own, peer] = await probing;
    compare(t, { expected: [0] }, own, peer);
    for (const running of pods) release(running);
    const [after, peers] = await seenBy(pods, goesOn);
    compare(t, { expected: { ...WENT_ON, other: exited(4) } }, after, peers);
  });

  // containerd cannot know how the processes of a dead shim ended, and says 255.
  it('a pod’s shim is killed', async (t) => {
    const pods = await runPods();
    for (const { pod } of pods) process.kill(shimOf(pod.id), 'SIGKILL');
    const [own, peer] = await seenBy(pods, async ({ one, pod, main, other }) => {
      const ends = [ending(await main.ended()), ending(await other.ended())];
      await until(pod.status, ({ state }) => state === 'SANDBOX_NOTREADY');
      await pod.stop();
      const next = await one.pod('kept', { attempt: 1 });
      const again = await next.run('main', 'exit 5', { attempt: 1 });
      return [ends, ending(await again.ended())];
    });
    compare(t, { expected: [[exited(255), exited(255)], exited(5)] }, own, peer);
    // containerd 2.1 leaves the processes of a dead shim where they are, whatever the runtime.
    const cgroups = handlers.map((handler) => node().cgroup(handler));
    const [ours, peers] = cgroups.map((cgroup) => footprint('/nowhere', cgroup).length);
    for (const cgroup of cgroups) endAll('/nowhere', cgroup);
    if (peers !== undefined) assert.equal(ours, peers);
    await lasting(() =>
      cgroups.flatMap((cgroup) => footprint('/nowhere', cgroup)).filter((one) => /^process/.test(one)),
    );
    for (const cgroup of cgroups) removeCgroup(cgroup);
  });
}

/** Puts new files in the place of old ones, as a package manager does. */
function upgrade(folder: string): void {
  for (const name of RUNTIME_FILES) {
    copyFileSync(join(dirname(RUNCHART), name), join(folder, `${name}.new`));
    renameSync(join(folder, `${name}.new`), join(folder, name));
  }
}

const processes = (): string[] =>
  namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));

function shimOf(podId: string): number {
  const pid = namesIn('/proc').find((name) => {
    const words = textOf(`/proc/${name}/cmdline`).split('\0');
    return /containerd-shim/.test(words[0] ?? '') && words.includes(podId);
  });
  if (pid === undefined) throw new Error(`the pod ${podId} has no shim`);
  return Number(pid);
}
