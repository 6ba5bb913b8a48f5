/** What a program's runtime holds for all of its containers. */

import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { DevicePrograms } from '../effects/cgroups/devices/programs.ts';
import { runsInUserNamespace } from '../effects/namespaces/user/read-mappings.ts';
import { ppoll } from '../native/calls/poll.ts';
import { POLL } from '../native/constants/socket.ts';
import { hostPlatform } from '../native/host-platform.ts';
import type { Kernel } from '../native/kernel/kernel.ts';
import { attempt } from '../native/kernel/perform.ts';
import type { AnswerOptions, Platform } from '../native/platform.ts';
import { withStandingStage } from '../native/stage/standing.ts';
import { type Context, PATIENCE } from '../runtime/container/context.ts';
import { defaultRoot, type Host } from '../runtime/host/host.ts';
import { rootlessCgroups } from '../runtime/operations/create.ts';
import { Children, type WatchChildren } from './children.ts';
import { Closing } from './closing.ts';
import { Hub } from './hub.ts';
import { OpenStreams } from './streams/open-streams.ts';
import { Turns } from './turns.ts';

export interface RuntimeOptions {
  /** Absolute path of the state root. By default the one of the command: /run/runchart. */
  readonly root?: string;
  /** Lets systemd make the cgroups. */
  readonly systemdCgroup?: boolean;
  /** Whether to go on without a cgroup that cannot be made. By default that is so for whoever is not root. */
  readonly rootless?: boolean;
  /** Hears, in one line, of what went wrong without changing anything. Nobody hears of it by default. */
  readonly onWarning?: (message: string) => void;
  /** XState's inspection of every lifecycle machine that works for this runtime. */
  readonly inspect?: Context['inspect'];
}

export interface LibraryContext extends Context {
  readonly platform: ReturnType<typeof withStandingStage>;
  readonly devicePrograms: DevicePrograms;
  readonly children: Children;
  readonly hub: Hub;
  readonly streams: OpenStreams;
  readonly turns: Turns;
  readonly closing: Closing;
}

/** @param bare how this process reaches the kernel */
export function contextOf(options: RuntimeOptions, bare: Platform = hostPlatform()): LibraryContext {
  const host = hostOfThisProcess();
  const turns = new Turns(Math.min(MOST_AT_WORK, Math.max(LEAST_AT_WORK, availableParallelism())));
  const platform = withAnswers(withStandingStage(bare), turns);
  const hub = new Hub();
  const children = new Children(platform, watchChildren);
  // A program does not leave its user namespace: once asked is enough.
  const isConfined = runsInUserNamespace(platform.local);
  return {
    platform,
    host,
    root: options.root ?? defaultRoot(host, isConfined),
    systemdCgroup: options.systemdCgroup ?? false,
    rootless: options.rootless ?? rootlessCgroups(host, options.systemdCgroup ?? false, isConfined),
    patience: PATIENCE,
    devicePrograms: new DevicePrograms(platform.local),
    children,
    hub,
    streams: new OpenStreams(platform),
    turns,
    closing: new Closing(),
    reaped: children.note,
    now: () => new Date().toISOString(),
    onChange: hub.changed,
    warn: options.onWarning ?? (() => undefined),
    ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
  };
}

/**
 * How many containers are worked on at a time: one for each processor. With two the kernel works on one while we work
 * on the other. One thread has no use for more than four. Measured with 200 at once on two processors: two at a time
 * take as long in all as four or eight, and the event loop's delays are shorter.
 */
const LEAST_AT_WORK = 2;
const MOST_AT_WORK = 4;

/** Most answers are there within this time: to wait for them on a thread would take longer. */
const BRIEF_MS = 0.3;

/** So often it is asked anew: somebody else may have taken the answers before the thread began to wait for them. */
const AGAIN_MS = 200;

/** The platform of a program that has other things to do while a process answers. */
const withAnswers = <P extends Platform>(platform: P, turns: Turns): P => ({
  ...platform,
  async answers(this: Platform, kernel: Kernel, { toTheEnd = false }: AnswerOptions = {}) {
    const { poll } = toTheEnd ? platform : this;
    await kernel.arrive?.(async (fd) => {
      const awaited = [{ fd, events: POLL.IN }];
      if (!turns.areContended && attempt(platform.local, ppoll(awaited, BRIEF_MS)) > 0) return;
      await poll(awaited, AGAIN_MS);
    });
  },
});

const hostOfThisProcess = (): Host => ({
  cwd: process.cwd(),
  env: process.env,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  pid: process.pid,
});

/** A worker thread hears no signals. Listening to one keeps no program from ending. */
const watchChildren: WatchChildren = (mayHaveEnded) => {
  if (!isMainThread) return undefined;
  process.on('SIGCHLD', mayHaveEnded);
  return () => process.off('SIGCHLD', mayHaveEnded);
};
