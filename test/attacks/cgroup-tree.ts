/**
 * A container that may write to its cgroups makes deep, wide, renamed, closed and frozen ones below them, puts
 * processes there, and freezes itself, while the host pauses, resumes, lists and ends it.
 *
 * Findings: a command hangs, crashes or fails without a line that says why; `kill KILL` or `delete --force` fails; a
 * process or a cgroup is left.
 */

import { setTimeout } from 'node:timers/promises';
import type { Config } from '../../spec/types.ts';
import { bind, mounting } from '../integration/configs.ts';
import type { ShellConfig } from '../integration/containers.ts';
import { namesIn } from '../integration/gone-meanwhile.ts';
import type { Attack } from './harness/attack.ts';
import { failures, oddities } from './harness/command.ts';
import { noAttacks } from './harness/yard.ts';

const CGROUPS = '/sys/fs/cgroup';
const STEPS = 5;
/** Something is to grow. */
const LONGEST_PAUSE_MS = 60;

export const cgroupTree: Attack = {
  name: 'cgroup-tree',
  skip: noAttacks,
  async attempt(ground, random) {
    const caller = ground.caller(random, ['root']);
    const id = ground.name(caller);
    const args = ['/grow', `${random.below(1 << 30)}`, ...random.some(directories(), 1 + random.below(3))];
    const config = mounting(caller.config(''), bind('/grow', ground.compiled('grow')));
    const bundle = ground.bundle(caller, writing({ ...config, process: { ...config.process, args } }, id));
    const findings = [...failures(await ground.command(caller, 'run', '--detach', '--bundle', bundle, id))];
    for (let step = 0; step < STEPS; step++) {
      await setTimeout(random.below(LONGEST_PAUSE_MS));
      findings.push(...oddities(await ground.command(caller, ...random.pick(commandsOn(id)))));
    }
    if (random.chance(0.5)) findings.push(...failures(await ground.command(caller, 'kill', id, 'KILL')));
    findings.push(...failures(await ground.command(caller, 'delete', '--force', id)));
    return findings;
  },
};

const commandsOn = (id: string): readonly (readonly string[])[] => [
  ['pause', id],
  ['resume', id],
  ['ps', '--format', 'json', id],
  ['kill', id, 'USR1'],
  ['kill', '--all', id, 'USR1'],
  ['state', id],
  ['events', '--stats', id],
  ['update', '--pids-limit', '500', id],
];

/** Where a container finds its cgroups: in v1 there are several. */
function directories(): readonly string[] {
  const v1 = namesIn(CGROUPS).filter((name) => ['devices', 'freezer', 'pids', 'memory', 'unified'].includes(name));
  return v1.length > 0 ? v1.map((name) => `${CGROUPS}/${name}`) : [CGROUPS];
}

/** The cgroups are its own to write to. */
function writing(config: ShellConfig, id: string): Config {
  const { mounts = [], linux = {} } = config;
  const namespaces = [...(linux.namespaces ?? []).filter(({ type }) => type !== 'cgroup'), { type: 'cgroup' as const }];
  return {
    ...config,
    mounts: mounts.map((one) =>
      one.destination === CGROUPS ? { ...one, options: (one.options ?? []).filter((option) => option !== 'ro') } : one,
    ),
    linux: { ...linux, cgroupsPath: `/${id}`, namespaces },
  };
}
