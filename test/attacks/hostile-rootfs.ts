/**
 * The attacker makes the image: in places that the runtime touches there are links out of the root, loops, pipes,
 * devices, sockets, and files of any size. The config mounts, masks and works there; who runs it is root or an ordinary
 * user.
 *
 * Findings: something outside was made or changed; a command hangs, crashes, or fails without a line that says why;
 * something is left after delete --force.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mknodat } from '../../native/calls/files.ts';
import { AT, S } from '../../native/constants/files.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { call } from '../../native/kernel/perform.ts';
import type { Config, Mount } from '../../spec/types.ts';
import { bind, writable } from '../integration/configs.ts';
import { clear, hostilePlaces, type Plant, portrait } from '../integration/hostile-places.ts';
import { hostMounts } from '../integration/mountinfo.ts';
import type { Attack } from './harness/attack.ts';
import type { Caller } from './harness/caller.ts';
import { changes } from './harness/changes.ts';
import { type CommandEnd, oddities } from './harness/command.ts';
import type { Random } from './harness/random.ts';
import { noAttacks } from './harness/yard.ts';

/** What the runtime touches of an image. */
const TOUCHED = [
  '/dev /dev/null /dev/ptmx /dev/pts /dev/shm /dev/console /dev/fd /dev/stdin /dev/mqueue /proc /proc/self /sys',
  '/sys/fs/cgroup /sys/firmware /etc /etc/passwd /etc/group /work /work/below /data /data/below /hidden /closed',
  '/tmp /run /bin/program /lib',
].flatMap((line) => line.split(' '));

const LONG = 'n'.repeat(255);

const link =
  (target: string): Plant =>
  (rootfs, path) =>
    symlinkSync(target, clear(rootfs, path));

/** Besides those that the tests have. */
const MORE_PLACES: Readonly<Record<string, Plant>> = {
  'a link to the root of the first process': link('/proc/1/root/tmp'),
  'a link to its own program': link('/proc/self/exe'),
  'a link to a namespace': link('/proc/self/ns/mnt'),
  'a link to a task': link('/proc/thread-self/root'),
  'a link of the longest length': link(`/${LONG}`.repeat(15)),
  'a link to a long name': link(LONG),
  'a socket': (rootfs, path) =>
    void call(hostPlatform().local, mknodat(AT.FDCWD, clear(rootfs, path), S.IFSOCK | 0o666)),
  'an endless file': (rootfs, path) => void execFileSync('truncate', ['-s', '1T', clear(rootfs, path)]),
  'a huge line': (rootfs, path) => writeFileSync(clear(rootfs, path), ':'.repeat(1 << 20)),
  'bytes that are no text': (rootfs, path) =>
    writeFileSync(clear(rootfs, path), Buffer.from([255, 0, 58, 58, 10, 254])),
  'a block device': (rootfs, path) => void execFileSync('mknod', [clear(rootfs, path), 'b', '7', '200']),
  'a tree of long names': (rootfs, path) => {
    mkdirSync(join(clear(rootfs, path), LONG, LONG, LONG), { recursive: true });
  },
};

export const hostileRootfs: Attack = {
  name: 'hostile-rootfs',
  skip: noAttacks,
  async attempt(ground, random) {
    const caller = ground.caller(random);
    const [canary, source] = [ground.made('canary'), ground.made('source')];
    mkdirSync(join(canary, 'dir'));
    writeFileSync(join(canary, 'file'), 'untouched');
    mkdirSync(join(source, 'dir'));
    writeFileSync(join(source, 'file'), '');
    for (const folder of [canary, source]) caller.own(folder);
    const places = Object.entries({ ...hostilePlaces(canary), ...MORE_PLACES });
    const told: string[] = [];
    const bundle = ground.bundle(caller, someConfig(caller, source, random), (rootfs) => {
      for (const path of apart(random.some(TOUCHED, 1 + random.below(4)))) {
        const [name, place] = random.pick(places);
        if (!isInside(rootfs, path)) continue;
        place(rootfs, path);
        told.push(`${path} is ${name}`);
      }
    });
    const look = () =>
      [
        portrait(canary),
        ...hostMounts(ground.folder).map(({ line }) => line),
        ...readdirSync('/dev'),
        lstatSync('/dev/null').mode,
      ].join('\n');
    const before = look();
    const id = ground.name(caller);
    const findings: string[] = [];
    const created = await ground.command(caller, 'create', '--bundle', bundle, id);
    findings.push(...oddities(created));
    if (created.status === 0) {
      findings.push(...oddities(await ground.command(caller, 'start', id)));
      findings.push(
        ...oddOfRuntime(
          await ground.command(caller, 'exec', '--cwd', random.pick(['/', '/work', '/data']), id, 'true'),
        ),
      );
    }
    findings.push(...oddities(await ground.command(caller, 'delete', '--force', id)));
    findings.push(...changes(before, look()));
    return findings.map((line) => `${line}\n  where ${told.join(', ')}`);
  },
};

/** Status 255 says that the runtime failed; whatever else is what the program in the image came to. */
const oddOfRuntime = (end: CommandEnd): readonly string[] =>
  end.hung || end.signal !== null || end.status === 255 ? oddities(end) : [];

/** Without those that are below another one: what was put there would lead out of the rootfs while it is prepared. */
const apart = (paths: readonly string[]): readonly string[] =>
  paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));

/** Whether to make something at a path of the image changes nothing outside of it. */
function isInside(rootfs: string, path: string): boolean {
  let parent = dirname(join(rootfs, path));
  while (!existsSync(parent) && parent.length > rootfs.length) parent = dirname(parent);
  return `${realpathSync(parent)}/`.startsWith(`${realpathSync(rootfs)}/`);
}

function someConfig(caller: Caller, source: string, random: Random): Config {
  const config = writable(caller.config('exec sleep 1000'));
  const wanted = (config.mounts ?? []).filter(() => random.chance(0.8));
  const more = random.some(TOUCHED, random.below(4)).map((path) => someMount(path, source, random));
  const linux = {
    ...config.linux,
    maskedPaths: random.some([...TOUCHED, '/hidden/below', '/proc/keys'], random.below(5)),
    readonlyPaths: random.some([...TOUCHED, '/closed/below', '/proc/sys'], random.below(5)),
    devices:
      caller.who === 'root' && random.chance(0.3)
        ? [
            {
              path: random.pick(['/dev/fuse', '/work/device', '/data/below/device']),
              type: 'c' as const,
              major: 1,
              minor: 3,
            },
          ]
        : [],
  };
  const uid = caller.who === 'root' ? random.pick([0, 0, 1000]) : 0;
  const process = {
    ...config.process,
    cwd: random.pick([
      '/',
      '/',
      '/work',
      '/work/below/more',
      '/data',
      '/tmp/../work',
      '/proc/self/fd/3',
      '/proc/self/cwd',
    ]),
    args: random.pick([config.process.args ?? [], config.process.args ?? [], ['/bin/program'], ['program']]),
    user: { uid, gid: uid },
    env: random.chance(0.5) ? ['PATH=/bin'] : (config.process.env ?? []),
  };
  return { ...config, process, mounts: [...wanted, ...more], linux };
}

function someMount(destination: string, source: string, random: Random): Mount {
  return random.pick<Mount>([
    bind(destination, join(source, 'dir')),
    bind(destination, join(source, 'file')),
    { destination: `${destination}/below/more`, source: join(source, 'dir'), type: 'bind', options: ['bind', 'ro'] },
    { destination, source: 'tmpfs', type: 'tmpfs', options: random.pick([['size=64k'], ['tmpcopyup'], ['ro']]) },
    { destination, source: 'proc', type: 'proc' },
    { destination, source: 'mqueue', type: 'mqueue' },
  ]);
}
