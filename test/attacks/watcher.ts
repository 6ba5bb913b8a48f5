/**
 * A container with CAP_SYS_PTRACE waits for processes that join it, and reaches for each at once: by ptrace, by its
 * memory, by its root, working directory and descriptors in procfs. It has a user namespace of its own, made by root or
 * by an ordinary user, or none.
 *
 * Findings: it got hold of a process that has more capabilities than the container may have (docs/security.md names
 * what a process needs until it is another user); of one whose root is not the container's; of a descriptor of the
 * host's.
 */

import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { capabilitySet } from '../../effects/process/capabilities.ts';
import { bind, mounting, writable } from '../integration/configs.ts';
import type { ShellConfig } from '../integration/containers.ts';
import { textOf } from '../integration/gone-meanwhile.ts';
import { until } from '../integration/lives.ts';
import type { Attack } from './harness/attack.ts';
import { failures, oddities } from './harness/command.ts';
import type { Random } from './harness/random.ts';
import { noAttacks } from './harness/yard.ts';

const OWN = ['CAP_SYS_PTRACE', 'CAP_KILL', 'CAP_DAC_OVERRIDE'];
const JOINS = 6;
/** The container's root in a user namespace that root makes. */
const MAPPED = 300_000;

export const watcher: Attack = {
  name: 'watcher',
  skip: noAttacks,
  async attempt(ground, random) {
    const caller = ground.caller(random);
    const id = ground.name(caller);
    const shared = ground.made('shared');
    chmodSync(shared, 0o777);
    const told = join(shared, 'told');
    const mapped = caller.who === 'root' && random.chance(0.3);
    const tracing = random.chance(0.5) ? ['trace'] : [];
    const config = mounting(caller.config(''), bind('/shared', shared), bind('/watch', ground.compiled('watch')));
    const process = {
      ...config.process,
      args: ['/watch', '/shared/told', '/shared/ready', ...tracing],
      capabilities: { bounding: OWN, effective: OWN, permitted: OWN },
    };
    const watching = writable({ ...config, process });
    const bundle = ground.bundle(caller, mapped ? inUserNamespace(watching) : watching, (rootfs) => {
      mkdirSync(join(rootfs, 'shared'));
      if (mapped) chownSync(rootfs, MAPPED, MAPPED);
    });
    const findings = [...failures(await ground.command(caller, 'run', '--detach', '--bundle', bundle, id))];
    if (findings.length > 0) return findings;
    await until('it watches', () => existsSync(join(shared, 'ready')));
    const other = caller.who === 'root' && random.chance(0.3) ? ['--user', '1000:1000'] : [];
    for (let i = 0; i < JOINS; i++) {
      const joined = await ground.command(caller, 'exec', ...other, ...someFlags(random), id, 'true');
      // How a process ends that it stops is the watcher's to disturb.
      if (joined.hung || joined.status === 255) findings.push(...oddities(joined));
    }
    findings.push(...failures(await ground.command(caller, 'delete', '--force', id)));
    const allowed = capabilitySet([...OWN, ...(other.length > 0 ? ['CAP_SETUID', 'CAP_SETGID'] : [])]);
    const lines = textOf(told).trim().split('\n');
    const reached = new Set(lines.filter((line) => isTooMuch(line, allowed)).map(withoutNumbers));
    if (reached.size > 0) findings.push(`it reached ${[...reached].join(', ')}`);
    return findings;
  },
};

const someFlags = (random: Random): readonly string[] =>
  random.pick([[], ['--cwd', '/tmp'], ['--env', 'A=B'], ['--detach'], ['--no-new-privs']]);

function inUserNamespace(config: ShellConfig): ShellConfig {
  const mappings = [{ containerID: 0, hostID: MAPPED, size: 65_536 }];
  const { linux = {} } = config;
  const namespaces = [...(linux.namespaces ?? []), { type: 'user' as const }];
  return { ...config, linux: { ...linux, namespaces, uidMappings: mappings, gidMappings: mappings } };
}

/** The pid, and the number of a socket or pipe, are chance. */
const withoutNumbers = (line: string): string => line.replace(/ \d+/, '').replace(/:\[\d+\]/, '');

/** @param line as programs/watch.c writes them */
function isTooMuch(line: string, allowed: bigint): boolean {
  const [what = '', , set = '0', detail = ''] = line.split(' ');
  if ((BigInt(`0x${set}`) & ~allowed) !== 0n) return true;
  if (what === 'root') return detail !== 'own';
  if (what.startsWith('way-out')) return true;
  // The first three are whatever the caller has them be.
  const descriptor = Number(/^fd(\d+)$/.exec(what)?.[1] ?? 0);
  return descriptor > 2 && detail.startsWith('/') && !detail.startsWith('/memfd:');
}
