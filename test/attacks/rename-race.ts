/**
 * Two containers share a volume. The attacker in one exchanges directories and files in it for symbolic links, without
 * pause, while the other is created with mounts, masks, devices and a working directory in it, and while processes join
 * it.
 *
 * Findings: something was made or changed outside of the rootfs; a mount that the config asks for is not below the
 * container's root; a process works in a directory that is not.
 */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, Mount } from '../../spec/types.ts';
import { bind, mounting, writable } from '../integration/configs.ts';
import { portrait } from '../integration/hostile-places.ts';
import { hostMounts, mountsOf } from '../integration/mountinfo.ts';
import type { Attack } from './harness/attack.ts';
import type { Caller } from './harness/caller.ts';
import { changes } from './harness/changes.ts';
import { oddities } from './harness/command.ts';
import type { Ground } from './harness/ground.ts';
import type { Random } from './harness/random.ts';
import { noAttacks } from './harness/yard.ts';

const PAYLOAD = 'payload-of-the-attack';
/** In what the links lead to. */
const SECRET = 'secret-of-the-host';
const UP = '../'.repeat(30);

export const renameRace: Attack = {
  name: 'rename-race',
  skip: noAttacks,
  async attempt(ground, random) {
    const caller = ground.caller(random);
    const folders = fill(ground, caller, random);
    const look = () => `${portrait(folders.outside)}\n${hostMounts(ground.folder).map(({ line }) => line)}`;
    const before = look();
    const attacker = await startAttacker(ground, caller, folders.volume);
    const findings = [...attacker];
    // The attacker costs more than what he attacks, so several are.
    for (let i = 0; i < 3 && findings.length === 0; i++)
      findings.push(...(await createVictim(ground, caller, folders, random)));
    findings.push(...changes(before, look()));
    return findings;
  },
};

interface Folders {
  readonly volume: string;
  readonly outside: string;
  readonly payload: string;
}

/** A volume in which `a` is a directory and `b` a link, `f` a file and `g` a link, and what they lead to. */
function fill(ground: Ground, caller: Caller, random: Random): Folders {
  const [volume, outside, payload] = [ground.made('volume'), ground.made('outside'), ground.made(PAYLOAD)];
  mkdirSync(join(outside, 'dir', SECRET), { recursive: true });
  writeFileSync(join(outside, 'file'), 'untouched');
  writeFileSync(join(payload, 'inside'), '');
  mkdirSync(join(volume, 'a/deep'), { recursive: true });
  writeFileSync(join(volume, 'f'), '');
  const link = (target: string) =>
    random.pick([`${UP}${target.slice(1)}`, target, `/proc/self/root${target}`, `/proc/1/root${target}`]);
  symlinkSync(link(join(outside, 'dir')), join(volume, 'b'));
  symlinkSync(link(join(outside, 'file')), join(volume, 'g'));
  for (const folder of [volume, outside, payload]) caller.own(folder);
  return { volume, outside, payload };
}

/** @returns what went wrong */
async function startAttacker(ground: Ground, caller: Caller, volume: string): Promise<readonly string[]> {
  const config = mounting(caller.config(''), bind('/v', volume), bind('/exchange', ground.compiled('exchange')));
  const process = { ...config.process, cwd: '/v', args: ['/exchange', 'a', 'b', 'f', 'g'] };
  const bundle = ground.bundle(caller, writable({ ...config, process }));
  const { what, status, stderr } = await ground.command(
    caller,
    'run',
    '--detach',
    '--bundle',
    bundle,
    ground.name(caller),
  );
  return status === 0 ? [] : [`${what}: the attacker does not start: ${stderr}`];
}

/** @returns a config, and how many of its mounts are in the volume */
function victimConfig(caller: Caller, { volume, payload }: Folders, random: Random): { config: Config; asked: number } {
  const points = random.some(
    ['/v/a', '/v/a/deep', '/v/a/new', '/v/a/new/deep', '/v/b', '/v/b/x/y/z'],
    1 + random.below(3),
  );
  const mounts: readonly Mount[] = [
    ...points.map((point) => bind(point, payload)),
    ...(random.chance(0.5) ? [bind(random.pick(['/v/f', '/v/g', '/v/a/file']), join(payload, 'inside'))] : []),
  ];
  const config = writable(mounting(caller.config('pwd -P; exec sleep 1000'), bind('/v', volume), ...mounts));
  const cwd = random.pick(['/', '/v/a', '/v/b', '/v/a/cwd/made', '/v/a/deep']);
  const linux = {
    ...config.linux,
    maskedPaths: random.some(['/v/a/deep', '/v/f', '/v/g', '/v/b'], random.below(3)),
    readonlyPaths: random.some(['/v/a', '/v/f', '/v/b/x'], random.below(2)),
    devices:
      caller.who === 'root' && random.chance(0.3)
        ? [{ path: '/v/a/device', type: 'c' as const, major: 1, minor: 3 }]
        : [],
  };
  return { config: { ...config, process: { ...config.process, cwd }, linux }, asked: mounts.length };
}

async function createVictim(
  ground: Ground,
  caller: Caller,
  folders: Folders,
  random: Random,
): Promise<readonly string[]> {
  const { config, asked } = victimConfig(caller, folders, random);
  const id = ground.name(caller);
  const bundle = ground.bundle(caller, config);
  const created = await ground.command(caller, 'create', '--bundle', bundle, id);
  if (created.status !== 0) return oddities(created);
  const findings: string[] = [];
  const { pid } = JSON.parse((await ground.command(caller, 'state', id)).stdout);
  const inside = mountsOf(pid).filter(({ root }) => root.includes(`/${PAYLOAD}`));
  if (inside.length < asked)
    findings.push(
      `of ${asked} mounts in the volume ${inside.length} are below the root: ${inside.map(({ point }) => point)}`,
    );
  findings.push(...oddities(await ground.command(caller, 'start', id)));
  const cwd = random.pick(['/v/a', '/v/b', '/v/a/deep']);
  const joined = await ground.command(caller, 'exec', '--cwd', cwd, id, 'sh', '-c', 'pwd -P; ls');
  if (joined.status === 0 && (joined.stdout.includes('(unreachable)') || joined.stdout.includes(SECRET)))
    findings.push(`${joined.what}: works outside of the root: ${joined.stdout}`);
  // What the program itself says (that its directory is gone, say) is not the runtime's.
  if (joined.status === 255 || joined.hung || joined.signal !== null) findings.push(...oddities(joined));
  return findings;
}
