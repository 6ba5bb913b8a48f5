/**
 * The machine is the attacker: commands are ended by SIGKILL at random moments, alone or two at a time, and so is the
 * container's first process.
 *
 * Findings: `state`, `list` or another command hangs, crashes or fails without a line that says why; `delete --force`
 * fails; a process, cgroup, mount, directory or file is left after it.
 */

import { setTimeout } from 'node:timers/promises';
import type { Attack } from './harness/attack.ts';
import type { Caller } from './harness/caller.ts';
import { type CommandEnd, failures, oddities } from './harness/command.ts';
import type { Ground } from './harness/ground.ts';
import type { Random } from './harness/random.ts';
import { noAttacks } from './harness/yard.ts';

const STEPS = 6;
/** Commands take some 20 ms, more on a busy machine. */
const LATEST_MS = 120;

export const randomKills: Attack = {
  name: 'random-kills',
  skip: noAttacks,
  async attempt(ground, random) {
    const caller = ground.caller(random);
    const id = ground.name(caller);
    const bundle = ground.bundle(caller, caller.config('sleep 1000 & sleep 1000'));
    const commands = commandsOn(caller, bundle, id);
    const findings: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      const first = step === 0 ? random.pick(BEGINNINGS) : random.pick(Object.keys(commands));
      const names = [first, ...(random.chance(0.2) ? [random.pick(Object.keys(commands))] : [])];
      const ends = await Promise.all(names.map((name) => perform(ground, caller, commands[name] ?? [], random)));
      findings.push(...ends.flat());
      if (random.chance(0.1)) await killInit(ground, caller, id);
    }
    findings.push(...oddities(await ground.command(caller, 'state', id)));
    findings.push(...oddities(await ground.command(caller, 'list', '--format', 'json')));
    findings.push(...failures(await ground.command(caller, 'delete', '--force', id)));
    return findings;
  },
};

const BEGINNINGS = ['create', 'run', 'create', 'run', 'start'] as const;

function commandsOn(caller: Caller, bundle: string, id: string): Readonly<Record<string, readonly string[]>> {
  return {
    create: ['create', '--bundle', bundle, id],
    run: ['run', '--detach', '--bundle', bundle, id],
    foreground: ['run', '--bundle', bundle, id],
    start: ['start', id],
    exec: ['exec', id, 'true'],
    detachedExec: ['exec', '--detach', id, 'sleep', '1000'],
    kill: ['kill', id, 'KILL'],
    killAll: ['kill', '--all', id, 'TERM'],
    ps: ['ps', '--format', 'json', id],
    delete: ['delete', id],
    deleteForce: ['delete', '--force', id],
    // An ordinary user's container has no cgroup to freeze.
    ...(caller.who === 'root'
      ? { pause: ['pause', id], resume: ['resume', id], update: ['update', '--pids-limit', '500', id] }
      : {}),
  };
}

/** Lets a command begin, and ends it at some moment, or not. @returns what is wrong with how it ended by itself */
async function perform(
  ground: Ground,
  caller: Caller,
  argv: readonly string[],
  random: Random,
): Promise<readonly string[]> {
  const waits = argv[0] === 'run' && !argv.includes('--detach');
  const spared = !waits && random.chance(0.3);
  const after = random.next() ** 2 * LATEST_MS;
  const { child, ended } = ground.start(caller, ...argv);
  if (!spared) {
    await Promise.race([ended, setTimeout(after)]);
    child.kill('SIGKILL');
  }
  const end = await patiently(ground, caller, argv, ended);
  return end.signal === 'SIGKILL' && !end.hung ? [] : ownOddities(argv, end);
}

/** An exec into a paused container waits until somebody resumes it. */
async function patiently(
  ground: Ground,
  caller: Caller,
  argv: readonly string[],
  ended: Promise<CommandEnd>,
): Promise<CommandEnd> {
  const id = argv.find((word) => word.startsWith('runchart-test-')) ?? '';
  for (;;) {
    const end = await Promise.race([ended, setTimeout(1000)]);
    if (end !== undefined) return end;
    if (caller.who === 'root') await ground.command(caller, 'resume', id);
  }
}

/** What a program in the container came to, once another command has killed it, is not the runtime's. */
const ownOddities = (argv: readonly string[], end: CommandEnd): readonly string[] =>
  argv[0] === 'exec' && end.status === 137 ? [] : oddities(end);

async function killInit(ground: Ground, caller: Caller, id: string): Promise<void> {
  const { status, stdout } = await ground.command(caller, 'state', id);
  const { pid } = status === 0 ? JSON.parse(stdout) : { pid: 0 };
  if (pid > 1)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
}
