/** What a pod's resources become, and how they change. */

import { failureOf, shortened } from './client.ts';
import { type Container, podPid } from './kubelet.ts';
import type { Story } from './story.ts';

const WAIT = 'while :; do sleep 1; done';
const MIB = 1 << 20;

/** A container's cgroup as it sees it: the files of cgroup v1, or of v2. */
const seen = (container: Container): Promise<string> =>
  container.shell(`
    cd /sys/fs/cgroup
    for file in memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes memory/memory.soft_limit_in_bytes \\
      cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpuset/cpuset.cpus cpuset/cpuset.mems pids/pids.max \\
      memory.max memory.swap.max memory.high cpu.weight cpu.max cpuset.cpus cpuset.mems pids.max; do
      test -e $file && echo $file $(cat $file)
    done
    cat /proc/1/oom_score_adj`);

export const limits: readonly Story[] = [
  {
    title: 'limits of a container, and UpdateContainerResources',
    short: true,
    async play({ pod, cri }) {
      const one = await pod('limits');
      const resources = {
        cpu_shares: 512,
        cpu_period: 100_000,
        cpu_quota: 50_000,
        cpuset_cpus: '0',
        memory_limit_in_bytes: 64 * MIB,
        oom_score_adj: 500,
      };
      const main = await one.run('main', WAIT, { resources });
      const before = await seen(main);
      const update = (linux: object) => cri.call('UpdateContainerResources', { container_id: main.id, linux });
      await update({ cpu_shares: 256, cpu_quota: 20_000, cpu_period: 100_000 });
      const less = await seen(main);
      await update({ memory_limit_in_bytes: 128 * MIB, cpuset_cpus: '0-1', cpu_quota: -1 });
      const more = await seen(main);
      const { details, ...tooLittle } = await failureOf(update({ memory_limit_in_bytes: 4096 }));
      const wrong = shortened(await failureOf(update({ cpuset_cpus: '0-4000' })));
      const created = await one.create('created', WAIT, { resources });
      await cri.call('UpdateContainerResources', { container_id: created.id, linux: { cpu_shares: 128 } });
      await created.start();
      return {
        before,
        less,
        more,
        tooLittle,
        why: details.replace(/usage: \d+/g, 'usage: N'),
        wrong,
        created: await seen(created),
      };
    },
  },
  {
    title: 'a pod’s sysctls, its host’s name, and its own cgroup',
    async play({ pod, cri }) {
      const one = await pod('sysctl', {
        hostname: 'a-name',
        sysctls: { 'net.ipv4.ip_unprivileged_port_start': '1000', 'kernel.shm_rmid_forced': '1' },
      });
      const main = await one.run('main', WAIT);
      const sys = 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced; hostname';
      const pid = await podPid(cri, one.id);
      const refused = shortened(await failureOf(pod('refused', { sysctls: { 'kernel.panic': '1' } })));
      return [await main.shell(sys), pid > 1, refused];
    },
  },
];
