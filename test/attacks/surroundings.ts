/**
 * Whoever calls the command prepares what it finds around it: variables of the environment whose names are in the
 * engine's program, signals that are ignored or blocked, descriptors that are closed, limits, a directory that was
 * removed, a umask.
 *
 * Findings: a command says or does something else than it does without all that; something is made in the current
 * directory; something is left.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIST } from '../integration/dist.ts';
import type { Attack } from './harness/attack.ts';
import type { Caller } from './harness/caller.ts';
import type { CommandEnd } from './harness/command.ts';
import { oddities } from './harness/command.ts';
import type { Random } from './harness/random.ts';
import { noAttacks } from './harness/yard.ts';

const ENGINE = join(DIST, 'runchart-engine');
const SAYS = 'said by the container';

export const surroundings: Attack = {
  name: 'surroundings',
  skip: noAttacks,
  async attempt(ground, random) {
    const caller = ground.caller(random);
    const id = ground.name(caller);
    const config = caller.config(`echo ${SAYS}; exit 7`);
    // An ordinary user can't raise a limit that he was given.
    const process = { ...config.process, rlimits: [] };
    const bundle = ground.bundle(caller, { ...config, process });
    const cwd = ground.made('cwd');
    caller.own(cwd);
    const around = someSurroundings(caller, cwd, random);
    for (const [argv, status, stdout] of [
      [['run', '--bundle', bundle, id], 7, new RegExp(`^${SAYS}\n$`)],
      [['--version'], 0, /^runchart version /],
      [['create', '--bundle', bundle, id], 0, /^$/],
      [['state', id], 0, /"status": "created"/],
      [['start', id], 0, /^$/],
      [['list', '--quiet'], 0, new RegExp(`^${id}\n$`)],
      [['delete', '--force', id], 0, /^$/],
    ] as const) {
      const end = await ground.invoke(around.put(caller.invocation(argv))).ended;
      const [difference] = differs(end, status, around.closed.includes(1) ? /^$/ : stdout, around.closed.includes(2));
      if (difference !== undefined) return [`${difference}\n  with ${around.told}`];
    }
    const made = readdirSync(cwd);
    return made.length === 0 ? [] : [`made in the current directory: ${made}\n  with ${around.told}`];
  },
};

function differs(end: CommandEnd, status: number, stdout: RegExp, mute: boolean): readonly string[] {
  const same = !end.hung && end.status === status && end.stderr === '' && stdout.test(end.stdout);
  if (same) return [];
  const odd = mute && end.status !== null ? [] : oddities(end);
  return odd.length > 0
    ? odd
    : [`${end.what}: ${end.status} ${JSON.stringify(end.stdout)} ${JSON.stringify(end.stderr)}`];
}

interface Around {
  readonly told: string;
  /** Descriptors. */
  readonly closed: readonly number[];
  put(invocation: ReturnType<Caller['invocation']>): ReturnType<Caller['invocation']>;
}

/** Signals that env(1) takes by number; 32 and 33 are the C library's. */
const SIGNALS = Array.from({ length: 64 }, (_, i) => i + 1).filter((number) => ![9, 19, 32, 33].includes(number));

function someSurroundings(caller: Caller, cwd: string, random: Random): Around {
  const variables = random.chance(0.7) ? someVariables(random) : {};
  const signals = random.chance(0.5) ? random.some(SIGNALS, 1 + random.below(60)) : [];
  const how = random.pick(['ignore', 'block']);
  const limits = random.some([random.pick(OPEN_FILES), ...OTHER_LIMITS], random.below(3));
  const closed = random.chance(0.3) ? random.some([0, 1, 2], 1 + random.below(3)) : [];
  const removed = random.chance(0.2);
  const script = [
    `cd '${cwd}'`,
    ...(removed ? ['mkdir gone && cd gone && rmdir ../gone'] : []),
    ...closed.map((fd) => `exec ${fd}>&-`),
    'exec "$@"',
  ].join('; ');
  const options = signals.map((signal) => `--${how}-signal=${signal}`);
  const bounds = limits.length > 0 ? ['prlimit', ...limits] : [];
  const pairs = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const short = pairs.map((pair) => pair.slice(0, 70));
  return {
    told: JSON.stringify({ limits, closed, removed, [how]: signals, variables: short }),
    closed,
    // What an ordinary user's command is wrapped in is to be the same: only the command itself gets all this.
    put(invocation) {
      const at = invocation.argv.indexOf(caller.program);
      const [before, after] =
        at < 0
          ? [[], [invocation.program, ...invocation.argv]]
          : [invocation.argv.slice(0, at), invocation.argv.slice(at)];
      const inner = ['env', ...options, ...pairs, ...bounds, 'sh', '-c', script, 'sh', ...after];
      const [program = '', ...argv] = at < 0 ? inner : [invocation.program, ...before, ...inner];
      return { ...invocation, program, argv };
    },
  };
}

/** As prlimit(1) takes them. */
const OPEN_FILES = ['--nofile=64:64', '--nofile=256:4096', '--nofile=1024:2048'];
const OTHER_LIMITS = [
  '--core=0:0',
  '--memlock=0:0',
  '--stack=1000000:1000000',
  '--rttime=1000000:1000000',
  '--sigpending=10:10',
  '--msgqueue=0:0',
];

const VALUES = [
  '',
  '0',
  '1',
  '-1',
  'true',
  '/',
  '/nonexistent',
  'x'.repeat(5000),
  '*',
  '--version',
  '%s%n',
  '\u00fc',
  '1:2:3',
  '99999999999999999999',
];

/** All in the engine's program that could be a variable's name, but for what the dynamic loader obeys. */
function namesInEngine(): readonly string[] {
  const text = readFileSync(ENGINE, 'latin1');
  const words = new Set(Array.from(text.matchAll(/(?<=[^\w$])[A-Z][A-Z\d]+_\w{2,50}(?=[\0=])/g), ([word]) => word));
  return [...words].filter((word) => !word.startsWith('LD_') && !OURS.includes(word));
}

/** What is read of the caller, and what the tests themselves need. */
const OURS = ['XDG_RUNTIME_DIR', 'NOTIFY_SOCKET', 'LISTEN_FDS', 'LISTEN_PID', 'USER', 'PATH'];

let names: readonly string[] | undefined;

function someVariables(random: Random): Readonly<Record<string, string>> {
  names ??= namesInEngine();
  return Object.fromEntries(random.some(names, 1 + random.below(200)).map((name) => [name, random.pick(VALUES)]));
}
