/** What a container is shut off from, and what it is given, by its pod's security context. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failureOf, shortened } from './client.ts';
import { ending, type Kubelet } from './kubelet.ts';
import type { Story } from './story.ts';

const WAIT = 'while :; do sleep 1; done';
/** All of a process that the kernel tells, but for what depends on when it was asked, and by whom. */
const ITSELF = `
  grep -E '^(Uid|Gid|Groups|Umask|Cap|NoNewPrivs|Seccomp:|SigIgn|SigBlk)' /proc/self/status
  cat /proc/self/limits /proc/self/oom_score_adj /proc/self/uid_map; env; pwd; ls -l /dev | cut -c 1-22`;
/** Mounts without their numbers. */
const MOUNTS = "sed 's/^[0-9]* [0-9]* [0-9:]* //' /proc/self/mountinfo";

const MORE = { privileged: true, masked_paths: [], readonly_paths: [], seccomp: { profile_type: 'Unconfined' } };

const VARIANTS: Readonly<Record<string, object>> = {
  plain: {},
  user: { run_as_user: { value: 1000 }, run_as_group: { value: 2000 }, supplemental_groups: [3000, 4000] },
  name: { run_as_username: 'user' },
  capabilities: { capabilities: { add_capabilities: ['NET_ADMIN'], drop_capabilities: ['CHOWN', 'KILL'] } },
  none: { capabilities: { drop_capabilities: ['ALL'] }, no_new_privs: true },
  readonly: { readonly_rootfs: true },
  unconfined: { seccomp: { profile_type: 'Unconfined' } },
  privileged: MORE,
};

const namespaces = (more: object) => ({ namespace_options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD', ...more } });

async function looks({ pod }: Kubelet): Promise<unknown> {
  const privileged = await pod('privileged', { security: { privileged: true } });
  const usual = await pod('usual');
  const seen: unknown[] = [];
  for (const [name, security] of Object.entries(VARIANTS)) {
    const one = await (name === 'privileged' ? privileged : usual).run(name, WAIT, { security });
    const lines = async (script: string) => (await one.shell(script)).split('\n');
    seen.push({
      name,
      itself: await lines(ITSELF),
      mounts: (await lines(MOUNTS)).map(asNewest).map(withoutHost).toSorted(),
    });
    await one.stop(0);
    await one.remove();
  }
  return seen;
}

/** The root of a bind, and a private mount's peer group, differ each time. */
const withoutHost = (line: string): string =>
  line.replace(/^\/\S*(?= )/, '/…').replace(/ (master|shared|propagate_from):\d+/g, ' $1');

/**
 * Where Debian's runc 1.1.5 is not like newer ones, and ours is: the option `rw` of a bind also clears flags of the
 * source (1.2), and `ro` of cgroups is for the tmpfs above the hierarchies, too.
 */
const asNewest = (line: string): string =>
  line
    .replace(/(?<= \/dev\/shm rw,)nosuid,nodev,noexec,/, '')
    .replace(/(?<= \/sys\/fs\/cgroup )rw(?=.* - tmpfs )/, 'ro');

export const isolation: readonly Story[] = [
  {
    title: 'what a container sees of itself: ids, capabilities, limits, mounts, devices',
    short: true,
    play: looks,
  },
  {
    title: 'namespaces: of the pod, of the host, of another container',
    async play({ pod }) {
      const one = await pod('namespaces', { security: namespaces({ pid: 'POD' }) });
      const ns = 'for n in net ipc uts pid mnt; do readlink /proc/self/ns/$n; done';
      const first = await one.run('first', WAIT, { security: namespaces({ pid: 'POD' }) });
      const second = await one.run('second', WAIT, { security: namespaces({ pid: 'POD' }) });
      const apart = await one.run('apart', WAIT, { security: namespaces({}) });
      const target = await one.run('target', WAIT, { security: namespaces({ pid: 'TARGET', target_id: apart.id }) });
      const host = await pod('host', {
        hostname: '',
        security: namespaces({ network: 'NODE', pid: 'NODE', ipc: 'NODE' }),
      });
      const open = await host.run('open', WAIT, {
        security: namespaces({ network: 'NODE', pid: 'NODE', ipc: 'NODE' }),
      });
      const of = async (container: { shell(script: string): Promise<string> }) =>
        (await container.shell(ns)).trim().split('\n');
      const [a, b, c, d, e] = await Promise.all([first, second, apart, target, open].map(of));
      const shared = (x: readonly string[] = [], y: readonly string[] = []) => x.map((name, n) => name === y[n]);
      return { pod: shared(a, b), apart: shared(a, c), target: shared(c, d), host: shared(a, e) };
    },
    expected: {
      pod: [true, true, true, true, false],
      apart: [true, true, true, false, false],
      target: [true, true, true, true, false],
      host: [false, false, false, false, false],
    },
  },
  {
    title: 'volumes: a folder, files, a read-only one, and what the node adds',
    async play({ pod, folder }) {
      mkdirSync(join(folder, 'volume/inner'), { recursive: true });
      writeFileSync(join(folder, 'volume/file'), 'text\n');
      const mount = (container_path: string, more: object = {}) => ({
        container_path,
        host_path: join(folder, 'volume'),
        ...more,
      });
      const mounts = [
        mount('/volume'),
        mount('/readonly', { readonly: true }),
        mount('/new/file', { host_path: join(folder, 'volume/file') }),
        mount('/dev/termination-log', { host_path: join(folder, 'volume/file') }),
      ];
      const main = await (await pod('volumes')).run('main', WAIT, { more: { mounts } });
      const script = `
        cat /volume/file /new/file /dev/termination-log; touch /volume/made /readonly/x; ls /volume
        echo more >> /new/file; cat /volume/file; cat /etc/hostname /etc/resolv.conf
        df /dev/shm | tail -n 1 | cut -c 1-20
        ${MOUNTS} | grep -E ' /(volume|readonly|new|etc|dev/term)'`;
      return (await main.shell(script)).split('\n').map(withoutHost);
    },
  },
  {
    title: 'what may not be: an unknown user, a program that root must not run, an unknown profile',
    async play({ pod }) {
      const one = await pod('refused');
      const profile = { profile_type: 'Localhost', localhost_ref: '/nowhere/profile.json' };
      const failures = [
        await failureOf(one.create('name', WAIT, { security: { run_as_username: 'nobody-known' } })),
        await failureOf(one.create('profile', WAIT, { security: { seccomp: profile } })),
      ];
      const device = { container_path: '/dev/x', host_path: '/dev/nothing', permissions: 'rwm' };
      failures.push(await failureOf(one.create('device', WAIT, { more: { devices: [device] } })));
      const handler = await failureOf(one.run('volume', WAIT, { more: { mounts: [{ container_path: 'relative' }] } }));
      return [failures, shortened(handler)];
    },
  },
  {
    title: 'a profile of the node’s own, and a device',
    async play({ pod, folder }) {
      const profile = join(folder, 'profile.json');
      const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 };
      writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }));
      const security = { seccomp: { profile_type: 'Localhost', localhost_ref: `localhost/${profile}` } };
      const devices = [{ container_path: '/dev/nothing', host_path: '/dev/null', permissions: 'rw' }];
      const one = await pod('profile');
      const main = await one.run('main', 'mkdir /x; echo x > /dev/nothing; exit 2', {
        security: { seccomp: { profile_type: 'Localhost', localhost_ref: profile } },
        more: { devices },
      });
      const end = ending(await main.ended());
      const prefixed = await failureOf(one.create('prefixed', WAIT, { security })).catch(String);
      return [end, main.log().replace(/^\S+ /gm, ''), prefixed];
    },
  },
];
