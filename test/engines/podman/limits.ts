/** Limits, as the container's own cgroup shows them. */

import { existsSync } from 'node:fs';
import type { Scenario } from '../scenario.ts';

const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');

/** Shows files of the container's cgroup, by their names on cgroup v1 and on v2. */
const show = (v1: string, v2: string): string =>
  unified
    ? `for file in ${v2}; do cat /sys/fs/cgroup/$file; done`
    : `for file in ${v1}; do cat /sys/fs/cgroup/$file; done`;

export const limits: readonly Scenario[] = [
  {
    title: 'limits of run',
    script: `
      podman run --rm --memory 64m --memory-reservation 32m --pids-limit 33 --cpu-shares 512 --cpus 0.5 \\
      --cpuset-cpus 0 box sh -c '${show(
        'memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes pids/pids.max ' +
          'cpu/cpu.shares cpu/cpu.cfs_quota_us cpuset/cpuset.cpus',
        'memory.max memory.low pids.max cpu.weight cpu.max cpuset.cpus',
      )}'`,
    expected: unified ? '67108864\n33554432\n33\n20\n50000 100000\n0\n' : '67108864\n33554432\n33\n512\n50000\n0\n',
  },
  {
    title: 'update changes the limits of a container that runs',
    script: `
      podman run -d --name grows --memory 64m box sleep 1000
      try podman update --memory 128m --memory-swap 256m --cpu-shares 256 --cpus 0.2 grows
      podman exec grows sh -c '${show(
        'memory/memory.limit_in_bytes cpu/cpu.shares cpu/cpu.cfs_quota_us',
        'memory.max cpu.weight cpu.max',
      )}'
      put_away grows`,
    expected: unified ? /^ID\nID\n\[0\]\n134217728\n/ : /^ID\nID\n\[0\]\n134217728\n256\n20000\n$/,
  },
  {
    title: 'a container that takes too much memory is killed, and podman knows why',
    script: `
      podman run --name greedy --memory 8m --memory-swap 8m box sh -c 'exec tail -c 100m /dev/zero'
      podman inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' greedy
      podman rm greedy`,
    expected: /137 (true|false)\ngreedy\n$/,
  },
  {
    title: 'ulimits, oom score and nice things of the process',
    script: `
      podman run --rm --ulimit nofile=512:600 --ulimit nproc=100:100 --ulimit core=0:0 --oom-score-adj 500 box \\
        sh -c 'ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj'`,
    expected: '512\n600\n0\n500\n',
  },
  {
    title: 'a device that is granted, and one that is not',
    script: `
      podman run --rm --device /dev/full box sh -c 'exec 2>&1; ls /dev/full; echo x > /dev/full'
      podman run --rm --cap-add mknod box sh -c 'mknod /tmp/kmsg c 1 11; head -c 1 /tmp/kmsg'
      podman run --rm --device /dev/zero:/dev/nought:r box head -c 2 /dev/nought | od -c | head -n 1`,
    expected:
      /^\/dev\/full\nsh: write error: No space left on device\nhead: \/tmp\/kmsg: Operation not permitted\n0000000 {2}\\0 {2}\\0\n$/,
  },
  {
    title: 'cgroups: the view of the host and the own one, and none at all',
    script: `
      podman run --rm --cgroupns private box sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u'
      podman run --rm --cgroupns host box sh -c 'cut -d: -f3 /proc/self/cgroup | grep -c libpod-'
      try podman run --rm --cgroups disabled box echo without`,
    expected: /^\/\n\d+\n/,
  },
];
