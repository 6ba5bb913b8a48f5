/**
 * Makes from the global options what a command works with: the platform, the log, and the context of its operations.
 */

import type { InspectionEvent } from 'xstate';
import { placeOf } from '../../machines/place.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { type Context, PATIENCE } from '../container/context.ts';
import { mayBeWatched } from '../telling/look.ts';
import type { AboutCommand, Telling, WatcherTelling } from '../telling/teller.ts';
import { nowNanoseconds, rfc3339 } from './clock.ts';
import { defaultRoot, type Host, isRootOfSomebody } from './host.ts';
import { type Log, type LogFormat, openLog } from './log.ts';
import { absolutePath } from './path.ts';
import type { Trace } from './trace.ts';

interface GlobalOptions {
  readonly root?: string | undefined;
  readonly log?: string | undefined;
  readonly logFormat?: LogFormat | undefined;
  readonly debug?: boolean | undefined;
  readonly systemdCgroup?: boolean | undefined;
  readonly rootless?: boolean | undefined;
  /** The path of a file, or `-` for standard error. */
  readonly trace?: string | undefined;
}

/** The command that this is prepared for. */
interface Asked {
  /** Its name. */
  readonly command: string;
  /** The container that it works on, as the caller names it. Without one, no watcher is told of the command. */
  readonly id?: string | undefined;
}

/** The context for the operations, and the log, which the command's own error goes to. */
export interface Prepared {
  readonly context: Context;
  readonly log: Log;
  /** To be called at the end of the command, with its exit status and its error. */
  ended: Telling['ended'];
  /** To be called instead, where the command has done nothing, and another process does it. */
  dropped(): void;
}

/** @throws Error of one line: a log or trace file cannot be opened, or the root is `/` */
export async function prepare(host: Host, options: GlobalOptions, asked: Asked): Promise<Prepared> {
  // What is done for the log, the trace and the watcher themselves does not show up in a trace.
  const launched = options.trace === undefined ? host.stage : undefined;
  const bare = host.platform ?? hostPlatform(undefined, undefined, launched);
  const root = await rootOf(host, options.root, bare.local);
  const about = { ...asked, pid: host.pid, root, traceparent: host.env.TRACEPARENT };
  const log = logFor(bare.local, host, options);
  const watcher = await watcherOf(bare.local, about);
  const trace = options.trace === undefined ? undefined : await traceTo(host, options.trace, about, watcher);
  const platform = trace?.platform ?? bare;
  const listeners = [...(trace === undefined ? [] : [trace]), ...(watcher === undefined ? [] : [watcher])];
  const inspectors = [...listeners.map(({ inspect }) => inspect), ...(log.debugging ? [debugLines(log)] : [])];
  const context: Context = {
    platform,
    host,
    root,
    ...(bare.caller !== undefined && { globalWords: wordsOf(host, root, options) }),
    ...(host.devicePrograms && { devicePrograms: host.devicePrograms }),
    systemdCgroup: options.systemdCgroup ?? false,
    rootless: options.rootless,
    patience: PATIENCE,
    now: () => nowNanoseconds(platform.local),
    warn: listeners.length === 0 ? log.warn : tellingAll(log, listeners),
    ...(inspectors.length > 0 && {
      inspect: (event: InspectionEvent) => {
        for (const inspect of inspectors) inspect(event);
      },
    }),
  };
  return {
    context,
    log,
    ended(status, error, failure) {
      for (const listener of listeners) listener.ended(status, error, failure);
    },
    dropped: () => watcher?.dropped(),
  };
}

/** Who is told of a command's machines, beside the trace. A command that works on no container tells nobody. */
async function watcherOf(kernel: Kernel, about: AboutCommand): Promise<WatcherTelling | undefined> {
  if (about.id === undefined || !mayBeWatched(kernel, about.root)) return undefined;
  const { connectToWatcher } = await import('../telling/connect.ts');
  const connection = connectToWatcher(kernel, about.root);
  if (connection === undefined) return undefined;
  const { tellWatcher } = await import('../telling/tell.ts');
  return tellWatcher(kernel, connection, about);
}

const tellingAll =
  (log: Log, listeners: readonly Telling[]): Log['warn'] =>
  (message) => {
    log.warn(message);
    for (const listener of listeners) listener.warned(message);
  };

function wordsOf(host: Host, root: string, { log, logFormat, debug, systemdCgroup, rootless }: GlobalOptions) {
  return [
    ...['--root', root],
    ...(log === undefined || log === '' ? [] : ['--log', absolutePath(host, log)]),
    ...(logFormat === undefined ? [] : ['--log-format', logFormat]),
    ...(debug ? ['--debug'] : []),
    ...(systemdCgroup ? ['--systemd-cgroup'] : []),
    ...(rootless === undefined ? [] : ['--rootless', String(rootless)]),
  ];
}

/**
 * For `--debug`: logs every state that a machine comes to: `container c1: creating.mounts`; for `exec`, `process:
 * joining`.
 */
function debugLines(log: Log): (event: InspectionEvent & { readonly snapshot?: unknown }) => void {
  let last = '';
  return ({ type, snapshot }) => {
    if (type !== '@xstate.snapshot' || !isOfContainer(snapshot)) return;
    const { id } = snapshot.context;
    const line = `${id === undefined ? 'process' : `container ${id}`}: ${placeOf(snapshot.value)}`;
    // XState tells of snapshots after events that changed nothing, too.
    if (line !== last) log.debug(line);
    last = line;
  };
}

/** Tells the snapshots of a machine from those of the actors that its states invoke. */
function isOfContainer(snapshot: unknown): snapshot is { readonly value: unknown; readonly context: { id?: string } } {
  return typeof snapshot === 'object' && snapshot !== null && 'value' in snapshot && 'context' in snapshot;
}

/** Opens the log alone: for a command line that we cannot understand. */
export const openLogAlone = (host: Host, options: GlobalOptions): Log =>
  logFor((host.platform ?? hostPlatform()).local, host, options);

function logFor(kernel: Kernel, host: Host, { log: file, logFormat, debug }: GlobalOptions): Log {
  return openLog(kernel, {
    ...(file === undefined || file === '' ? {} : { file: absolutePath(host, file) }),
    format: logFormat ?? 'text',
    debug: debug ?? false,
    now: () => rfc3339(Math.floor(Date.now() / 1000), 0),
  });
}

async function traceTo(host: Host, file: string, about: AboutCommand, watcher?: WatcherTelling): Promise<Trace> {
  const { openTrace } = await import('./trace.ts');
  return openTrace(file === '-' ? file : absolutePath(host, file), about, watcher?.called);
}

async function rootOf(host: Host, given: string | undefined, local: Kernel): Promise<string> {
  if (given === undefined) {
    if (!isRootOfSomebody(host)) return defaultRoot(host, false);
    const { runsInUserNamespace } = await import('../../effects/namespaces/user/read-mappings.ts');
    return defaultRoot(host, runsInUserNamespace(local));
  }
  const root = absolutePath(host, given);
  // An empty value given in the root directory comes to this too. The directories of containers would be made and
  // removed among the host's own.
  if (root === '/') throw new Error('Option --root argument should not be set to /');
  return root;
}
