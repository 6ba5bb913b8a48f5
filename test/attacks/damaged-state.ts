/**
 * Bad luck, or a full disk, is the attacker: what the state root holds of a container is cut off, overwritten in
 * places, replaced by something that is no file, or gone, and then every command is tried on it.
 *
 * Who may write there is trusted: a state names what to kill and to remove. So what damages it leaves the numbers of
 * processes and the paths of cgroups alone as long as the rest can be read.
 *
 * Findings: a command hangs, crashes, or fails without a line that says why; something outside is touched; a process,
 * cgroup or mount is left after `delete --force`.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { children } from '../integration/chaos/remains.ts';
import { portrait } from '../integration/hostile-places.ts';
import type { Attack } from './harness/attack.ts';
import type { Caller } from './harness/caller.ts';
import { failures, oddities } from './harness/command.ts';
import type { Ground } from './harness/ground.ts';
import type { Random } from './harness/random.ts';
import { noAttacks } from './harness/yard.ts';

export const damagedState: Attack = {
  name: 'damaged-state',
  skip: noAttacks,
  async attempt(ground, random) {
    const caller = ground.caller(random);
    const id = ground.name(caller);
    const bundle = ground.bundle(caller, caller.config('sleep 1000 & sleep 1000'));
    const canary = ground.made('canary');
    writeFileSync(join(canary, 'file'), '{}');
    const before = portrait(canary);
    const findings = [...failures(await ground.command(caller, 'create', '--bundle', bundle, id))];
    if (random.chance(0.5)) findings.push(...failures(await ground.command(caller, 'start', id)));
    const folder = join(caller.root, id);
    const { snapshot } = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8'));
    const told = damage(folder, canary, random);
    caller.own(caller.root);
    for (const argv of random.some(commandsOn(bundle, id), 4))
      findings.push(...oddities(await ground.command(caller, ...argv)));
    findings.push(...(await removal(ground, caller, id, snapshot.context.init.pid)));
    if (portrait(canary) !== before) findings.push('a file outside of the state root was changed');
    return findings.map((line) => `${line}\n  where ${told}`);
  },
};

const commandsOn = (bundle: string, id: string): readonly (readonly string[])[] => [
  ['state', id],
  ['list'],
  ['list', '--format', 'json'],
  ['start', id],
  ['exec', id, 'true'],
  ['ps', id],
  ['pause', id],
  ['resume', id],
  ['kill', id, 'TERM'],
  ['update', '--pids-limit', '500', id],
  ['events', '--stats', id],
  ['delete', id],
  ['create', '--bundle', bundle, id],
  ['run', '--detach', '--bundle', bundle, id],
];

/**
 * By force. Of an ordinary user's container, which has no cgroup, only the state names the process: without it, that is
 * not found.
 * @returns what is wrong
 */
async function removal(ground: Ground, caller: Caller, id: string, init: number): Promise<readonly string[]> {
  const findings = failures(await ground.command(caller, 'delete', '--force', id));
  if (caller.who === 'user' && children().includes(init)) process.kill(init, 'SIGKILL');
  rmSync(join(caller.root, id), { recursive: true, force: true });
  return findings;
}

type Damage = (path: string, random: Random) => string;

/** Of state.json, or of whatever file there is. */
const FILE_DAMAGES: readonly Damage[] = [
  (path, random) => {
    const size = random.below(readFileSync(path).length + 1);
    truncateSync(path, size);
    return `it is cut off after ${size} bytes`;
  },
  (path, random) => {
    const bytes = readFileSync(path);
    for (let times = 1 + random.below(20); times > 0; times--) bytes[random.below(bytes.length)] = random.below(256);
    if (isHarmless(readFileSync(path), bytes)) writeFileSync(path, bytes);
    return 'some of its bytes are others';
  },
  (path, random) => {
    const text = readFileSync(path, 'utf8');
    const [from, to] = [random.below(text.length), random.below(text.length)].toSorted((a, b) => a - b);
    writeFileSync(path, Buffer.concat([Buffer.from(text.slice(0, from)), Buffer.alloc((to ?? 0) - (from ?? 0))]));
    return `from ${from} on it is empty blocks`;
  },
  (path, random) => {
    writeFileSync(
      path,
      random.pick(['', '{}', 'null', '[]', '""', '0', '{"runchart":1}', '['.repeat(100_000), `{"a":`.repeat(20_000)]),
    );
    return 'it is other JSON, or none';
  },
];

/** @returns what was done */
function damage(folder: string, canary: string, random: Random): string {
  const name = random.chance(0.7) ? 'state.json' : random.pick(readdirSync(folder));
  const path = join(folder, name);
  const replace = (make: () => void): void => {
    rmSync(path, { recursive: true });
    make();
  };
  if (name === 'state.json' && random.chance(0.7)) return `${name}: ${random.pick(FILE_DAMAGES)(path, random)}`;
  if (name === 'state.json' && random.chance(0.4)) return valueDamage(path, random);
  const what = random.pick<readonly [string, () => void]>([
    ['is a directory', () => replace(() => mkdirSync(join(path, 'below'), { recursive: true }))],
    ['is a link to a file', () => replace(() => symlinkSync(join(canary, 'file'), path))],
    ['is a link to a directory', () => replace(() => symlinkSync(canary, path))],
    ['is a link to itself', () => replace(() => symlinkSync(name, path))],
    ['has a link beside it for what is new', () => symlinkSync(join(canary, 'file'), join(folder, '.state.json.new'))],
    // Without a state, a cgroup of the container's name is taken for somebody else's.
    ...(name === 'state.json' ? [] : [['is gone', () => rmSync(path, { recursive: true })] as const]),
  ]);
  what[1]();
  return `${name} ${what[0]}`;
}

/** Another value somewhere in what is JSON still. */
function valueDamage(path: string, random: Random): string {
  const state: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'cgroup' || key === 'init') continue;
      places.push({ holder: value as Record<string, unknown>, key });
      visit(inner);
    }
  };
  visit((state as { snapshot: { context: unknown } }).snapshot);
  const { holder, key } = random.pick(places);
  const value = random.pick([null, 0, -1, 1e99, '', 'x', '\u0000', true, [], {}, [[]], { a: { b: {} } }, undefined]);
  holder[key] = value;
  writeFileSync(path, JSON.stringify(state));
  return `state.json: ${key} is ${JSON.stringify(value)}`;
}

/** Whether no reader could take other processes or cgroups for the container's. */
function isHarmless(before: Buffer, after: Buffer): boolean {
  const named = (bytes: Buffer): string => {
    try {
      const { context } = JSON.parse(bytes.toString()).snapshot;
      return JSON.stringify([context.cgroup, context.init, context.id]);
    } catch {
      return 'nothing';
    }
  };
  return ['nothing', named(before)].includes(named(after));
}
