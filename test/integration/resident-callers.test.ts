/**
 * What a container's process, a process of exec, and hooks find out about themselves is the same by a server and
 * without one, whoever calls. Who may not be served is not.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { directoriesOf } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import type { Config } from '../../spec/types.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { adoptOrphans, reapOrphans } from './chaos/remains.ts';
import { BUILT } from './dist.ts';
import { FIND, sectionsOf, type Where } from './found-inside.ts';
import { remainsAtLast } from './nothing-left.ts';
import { type OddCaller, oddCallers } from './odd-callers.ts';
import { PATIENCE } from './patience.ts';
import { noServer, type ResidentServer, residentDist } from './resident-server.ts';

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];
/** Those of a hook that concern the whole host, or are numbers of the host. */
const NOT_OF_HOOKS = ['mountinfo', 'keys', 'stat'];
/** Where engines or processors are busy for some milliseconds, a command goes the cold way. So it is tried again. */
const TRIES = 20;

describe('what is inherited of a caller', { skip: noContainers || noServer }, () => {
  const work = workFolder('callers');
  const prefix = `runchart-test-${process.pid}-callers`;
  const root = join(work.path, 'state');
  const bundle = join(work.path, 'bundle');
  const sleeper = join(work.path, 'sleeper');
  const told = join(work.path, 'told');
  const shared = NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  let count = 0;
  const emptyRoot = join(work.path, 'root');
  mkdirSync(emptyRoot);
  const callers = noContainers ? [] : oddCallers(work.path, emptyRoot);

  const kernel = hostPlatform().local;
  const layout = detectLayout(kernel);
  const { program: client, serve } = residentDist(work.path);
  let server: ResidentServer;
  before(async () => {
    server = await serve();
    adoptOrphans();
    const script = join(work.path, 'find');
    writeFileSync(script, FIND);
    const hook = (name: string) => ({ path: '/bin/sh', args: ['sh', '-c', `. ${script} > ${told}/${name} 2>&1`] });
    const config = inheriting(FIND);
    const hooks = { createRuntime: [hook('createRuntime')], poststop: [hook('poststop')] };
    makeBundle(bundle, { ...config, hooks });
    makeBundle(sleeper, inheriting('exec sleep 10000'));
  });
  after(async () => {
    await server?.stop();
    reapOrphans(kernel, []);
    assert.deepEqual(await remainsAtLast(prefix, work.path), []);
    work.remove();
  });

  interface Hand {
    readonly id: string;
    /** Gives a command that nothing of what is compared comes of. */
    aside(...argv: readonly string[]): void;
    /** @returns the exit status, and the file of what the command and its process print */
    give(...argv: readonly string[]): { readonly status: number | null; readonly file: string };
  }

  /** All that makes a process: what it does, and in a container of its own. */
  const makings: Readonly<Record<string, (hand: Hand) => ReturnType<Hand['give']>>> = {
    run: ({ give, id }) => give('run', '--bundle', bundle, id),
    'create and start'({ give, aside, id }) {
      const created = give('create', '--no-new-keyring', '--bundle', bundle, id);
      if (created.status === 0) aside('start', id);
      return created;
    },
    exec({ give, aside, id }) {
      aside('run', '--detach', '--bundle', sleeper, id);
      return give('exec', id, 'sh', '-c', FIND);
    },
    'detached exec'({ give, aside, id }) {
      aside('run', '--detach', '--bundle', sleeper, id);
      return give('exec', '--detach', id, 'sh', '-c', FIND);
    },
  };

  function handOf(program: string, { through }: OddCaller, id: string): Hand {
    const whole = (argv: readonly string[]) => [...through, program, '--root', root, ...argv];
    return {
      id,
      // The keyring of another command may have this one's name until the kernel has removed it.
      aside: (...argv) => print('/dev/null', whole(argv), { ODD: 'aside' }),
      give(...argv) {
        const file = join(work.path, 'printed');
        return { file, status: print(file, whole(argv), { ODD: `${id}-odd` }) };
      },
    };
  }

  /** @returns what was found by the process and by hooks, or what a command said that failed */
  function find(hand: Hand, making: (typeof makings)[string]): Readonly<Record<string, unknown>> {
    rmSync(told, { recursive: true, force: true });
    mkdirSync(told, { mode: 0o777 });
    const where: Where = { id: hand.id, shared };
    const { status, file } = making(hand);
    until(() => status !== 0 || readFileSync(file, 'utf8').includes('== end'));
    const text = readFileSync(file, 'utf8');
    // A process of exec that has lost its parent is ours to reap. Until then the container's init cannot end.
    const cgroups = directoriesOf(planCgroup({ id: hand.id, layout })).filter((path) => existsSync(path));
    const alive = () =>
      cgroups.map((path) => readFileSync(join(path, 'cgroup.procs'), 'utf8').trim().split('\n').length);
    until(() => alive().every((count) => count <= 1));
    reapOrphans(kernel, []);
    hand.aside('delete', '--force', hand.id);
    const hooks = readdirSync(told).map((hook) => {
      const sections = Object.entries(sectionsOf(readFileSync(join(told, hook), 'utf8'), where));
      return [hook, Object.fromEntries(sections.filter(([title]) => !NOT_OF_HOOKS.includes(title)))];
    });
    const said = `${status}: ${withoutTime(text).replaceAll(hand.id, 'ID')}`;
    return { process: status === 0 ? sectionsOf(text, where) : said, ...Object.fromEntries(hooks) };
  }

  /** @param isDone whether a making need not be tried again. It is told whether the server has performed its command */
  function findAll(program: string, caller: OddCaller, isDone: (served: boolean) => boolean) {
    const found: Record<string, Readonly<Record<string, unknown>>> = {};
    for (const [name, making] of Object.entries(makings))
      for (let tries = 1; found[name] === undefined; tries++) {
        assert.ok(tries < TRIES, `${name}: the server performs it`);
        const hand = handOf(program, caller, `${prefix}-${++count}`);
        let served = false;
        const give: Hand['give'] = (...argv) => {
          const before = server.status().commands;
          const given = hand.give(...argv);
          served = server.status().commands > before;
          return given;
        };
        const all = find({ ...hand, give }, making);
        if (isDone(served)) found[name] = all;
      }
    return found;
  }

  let ordinary: unknown;
  for (const caller of callers)
    it(`is the same: ${caller.name}`, () => {
      const cold = findAll(join(BUILT, 'runchart'), caller, () => true);
      const warm = findAll(client, caller, (served) => {
        assert.ok(!served || caller.cold === false, `it was served, though ${caller.cold}`);
        return served || caller.cold !== false;
      });
      ordinary ??= cold;
      assert.equal(isDeepStrictEqual(cold, ordinary), caller.alike ?? false, 'the process can tell who called');
      assert.equal('createRuntime' in (cold.run ?? {}), !caller.fails, JSON.stringify(cold));
      assert.deepEqual(warm, cold);
    });
});

/** The default config without its limits, which would replace the caller's. And /proc/keys can be read. */
function inheriting(script: string): Config {
  const { process, linux, ...config } = shellConfig(script);
  return { ...config, process: { ...process, rlimits: [] }, linux: { ...linux, maskedPaths: [] } };
}

/** Runs a program whose output goes to a file. @returns its exit status */
function print(file: string, [program = '', ...argv]: readonly string[], env: NodeJS.ProcessEnv = {}): number | null {
  const fd = openSync(file, 'w');
  try {
    const options = { env: { ...process.env, ...env }, timeout: 60_000 * PATIENCE };
    const { status, error } = spawnSync(program, argv, { stdio: ['ignore', fd, fd], ...options });
    if (error !== undefined) throw error;
    return status;
  } finally {
    closeSync(fd);
  }
}

const withoutTime = (text: string): string => text.replaceAll(/time="[^"]+"/g, 'time');

function until(holds: () => boolean): void {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 3000 * PATIENCE, 'it comes to its end');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}
