/** Where one try takes place: its folder, its caller, its containers, and the look for what is left of them. */

import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Config } from '../../../spec/types.ts';
import { writeConfig } from '../../integration/bundle.ts';
import { smallRootfs } from '../../integration/containers.ts';
import { hostMounts } from '../../integration/mountinfo.ts';
import { type Caller, someCaller, type Who } from './caller.ts';
import { type CommandEnd, failures, type Running, startCommand } from './command.ts';
import type { Random } from './random.ts';
import { leftAtLast, sweep } from './remains.ts';
import type { Yard } from './yard.ts';

export interface Ground {
  readonly folder: string;
  /** Static programs in C, by name. */
  compiled(name: string): string;
  /** A folder below this one's, open to all. */
  made(name: string): string;
  /** Chooses who calls. Once a try. */
  caller(random: Random, among?: readonly Who[]): Caller;
  /** A name for a container. It is deleted by its caller when the try is over. */
  name(caller: Caller): string;
  bundle(caller: Caller, config: Config, prepare?: (rootfs: string) => void): string;
  /** A command that is waited for by whoever started it. */
  start(caller: Caller, ...argv: readonly string[]): Running;
  command(caller: Caller, ...argv: readonly string[]): Promise<CommandEnd>;
  /** The same of an invocation that was changed. */
  invoke(invocation: ReturnType<Caller['invocation']>): Running;
  /** A program of the attacker's on the host. It is ended when the try is over. */
  helper(program: string, argv: readonly string[], cwd: string): ChildProcess;
  /** The same, where it is spoken to. */
  talk(program: string, argv: readonly string[], cwd: string): ChildProcessByStdio<Writable, Readable, null>;
  /** Ends what runs, so that the try comes to its end soon. */
  abort(): void;
  /** Deletes what there is. @returns what is left and should not be, a line each */
  close(): Promise<readonly string[]>;
}

/** @param name of the try: part of the names of its containers and of its folder */
export function openGround(yard: Yard, name: string): Ground {
  const prefix = `runchart-test-${process.pid}-attack-${name}-`;
  const folder = join(yard.folder, name);
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  const containers: { readonly caller: Caller; readonly id: string }[] = [];
  const callers: Caller[] = [];
  const running = new Set<ChildProcess>();
  const helpers = new Set<ChildProcess>();
  let count = 0;

  function watch(child: ChildProcess, among: Set<ChildProcess>): void {
    yard.watch(child);
    among.add(child);
    child.once('exit', () => among.delete(child));
  }

  function invoke(invocation: ReturnType<Caller['invocation']>): Running {
    const command = startCommand({ ...invocation, output: join(folder, `command-${++count}`) });
    watch(command.child, running);
    return command;
  }

  const start: Ground['start'] = (caller, ...argv) => invoke(caller.invocation(argv));
  const end = (child: ChildProcess): Promise<unknown> => {
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    return over;
  };

  function made(title: string): string {
    const path = join(folder, title);
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
    return path;
  }

  return {
    folder,
    compiled: (program) => yard.compiled(program),
    made,
    caller(random, among = ['root', 'root', 'user']) {
      const caller = someCaller(folder, random, among);
      callers.push(caller);
      return caller;
    },
    name(caller) {
      const id = `${prefix}${++count}`;
      containers.push({ caller, id });
      return id;
    },
    bundle(caller, config, prepare) {
      const bundle = made(`bundle-${++count}`);
      smallRootfs(join(bundle, 'rootfs'), yard.busybox);
      writeConfig(bundle, config);
      prepare?.(join(bundle, 'rootfs'));
      caller.own(bundle);
      return bundle;
    },
    invoke,
    start,
    command: (caller, ...argv) => start(caller, ...argv).ended,
    helper(program, argv, cwd) {
      const child = spawn(program, argv, { cwd, stdio: 'ignore' });
      watch(child, helpers);
      return child;
    },
    talk(program, argv, cwd) {
      const child = spawn(program, argv, { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
      // Who ends before it has heard all is judged by what it said.
      child.stdin.on('error', () => undefined);
      watch(child, helpers);
      return child;
    },
    abort() {
      for (const child of [...running, ...helpers]) child.kill('SIGKILL');
    },
    async close() {
      await Promise.all([...running, ...helpers].map(end));
      const found: string[] = [];
      for (const { caller, id } of containers)
        found.push(...failures(await start(caller, 'delete', '--force', id).ended));
      // The cache of compiled filters is meant to stay.
      for (const { root } of callers) rmSync(join(root, '@seccomp'), { recursive: true, force: true });
      const where = { prefix, folder, roots: callers.map(({ root }) => root), spared: yard.pids };
      const left = await leftAtLast(where);
      if (left.length > 0) {
        found.push(`left behind: ${left.join(', ')}`);
        await sweep(where);
      }
      // Through a mount, removal would reach what is mounted.
      if (hostMounts(folder).some(({ point }) => point.startsWith(`${folder}/`)))
        throw new Error(`${folder}: a mount can't be removed; stopping before more is lost`);
      rmSync(folder, { recursive: true });
      return found;
    },
  };
}
