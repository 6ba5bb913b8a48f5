/** Where one try takes place: its folder, its caller, its containers, and the look for what is left of them. */

import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Config } from '../../../spec/types.ts';
import { writeConfig } from '../../integration/bundle.ts';
import { smallRootfs } from '../../integration/containers.ts';
import { type Caller, someCaller, type Who } from './caller.ts';
import { type CommandEnd, failures, type Running, startCommand } from './command.ts';
import type { Random } from './random.ts';
import { clearUp } from './remains.ts';
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
  /** A program of the attacker's on the host, which is spoken to. It is ended when the try is over. */
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
  const containers: { readonly caller: Caller; readonly id: string }[] = [];
  const callers: Caller[] = [];
  const processes = begun(yard);
  let count = 0;

  const made = (title: string): string => openFolder(join(folder, title));
  openFolder(folder);

  function invoke(invocation: ReturnType<Caller['invocation']>): Running {
    const command = startCommand({ ...invocation, output: join(folder, `command-${++count}`) });
    processes.watch(command.child);
    return command;
  }

  const start: Ground['start'] = (caller, ...argv) => invoke(caller.invocation(argv));

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
    talk: (program, argv, cwd) => processes.watch(talkTo(program, argv, cwd)),
    abort: () => processes.kill(),
    async close() {
      await processes.end();
      const found: string[] = [];
      for (const { caller, id } of containers)
        found.push(...failures(await start(caller, 'delete', '--force', id).ended));
      const roots = callers.map(({ root }) => root);
      return [...found, ...(await clearUp({ prefix, folder, roots, spared: yard.pids }))];
    },
  };
}

/** Made where it is not there, whatever the umask is. */
function openFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
  return path;
}

function talkTo(program: string, argv: readonly string[], cwd: string): ReturnType<Ground['talk']> {
  const child = spawn(program, argv, { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
  // Who ends before it has heard all is judged by what it said.
  child.stdin.on('error', () => undefined);
  return child;
}

/** The processes that a try has begun and that run still. */
function begun(yard: Yard) {
  const all = new Set<ChildProcess>();
  const kill = (): void => {
    for (const child of all) child.kill('SIGKILL');
  };
  return {
    watch<T extends ChildProcess>(child: T): T {
      yard.watch(child);
      all.add(child);
      child.once('exit', () => all.delete(child));
      return child;
    },
    kill,
    async end(): Promise<void> {
      const ends = [...all].map((child) => once(child, 'exit'));
      kill();
      await Promise.all(ends);
    },
  };
}
