/**
 * Makes from the global options what a command works with: the platform, the log, and the context of its operations.
 */

import type { InspectionEvent } from 'xstate';
import { placeOf } from '../../machines/place.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { type Context, PATIENCE } from '../container/context.ts';
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

/** The context for the operations, and the log, which the command's own error goes to. */
export interface Prepared {
  readonly context: Context;
  readonly log: Log;
}

/** @throws Error of one line: a log or trace file cannot be opened, or the root is `/` */
export async function prepare(host: Host, options: GlobalOptions): Promise<Prepared> {
  const trace = await traceTo(host, options.trace);
  const platform = trace?.platform ?? host.platform ?? hostPlatform(undefined, undefined, host.stage);
  const log = logFor(platform.local, host, options);
  const root = await rootOf(host, options.root, platform.local);
  const context: Context = {
    platform,
    host,
    root,
    ...(platform.caller !== undefined && { globalWords: wordsOf(host, root, options) }),
    ...(host.devicePrograms && { devicePrograms: host.devicePrograms }),
    systemdCgroup: options.systemdCgroup ?? false,
    rootless: options.rootless,
    patience: PATIENCE,
    now: () => nowNanoseconds(platform.local),
    warn: log.warn,
    ...(trace !== undefined && { onChange: trace.onChange }),
    ...(log.debugging && { inspect: watcher(log) }),
  };
  return { context, log };
}

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
function watcher(log: Log): (event: InspectionEvent & { readonly snapshot?: unknown }) => void {
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

async function traceTo(host: Host, file: string | undefined): Promise<Trace | undefined> {
  if (file === undefined) return undefined;
  const { openTrace } = await import('./trace.ts');
  return openTrace(file === '-' ? file : absolutePath(host, file));
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
