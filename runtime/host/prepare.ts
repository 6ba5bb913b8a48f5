/** What the global options ask for, made ready: the platform, the log, and the context of every operation. */

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
  /** A file, or `-` for standard error. */
  readonly trace?: string | undefined;
}

/**
 * What the global options come to: the context of the operations, and the log that the command's own end is told to.
 */
export interface Prepared {
  readonly context: Context;
  readonly log: Log;
}

/** @throws Error, of one line: a log or trace file that can't be opened, an impossible root */
export async function prepare(host: Host, options: GlobalOptions): Promise<Prepared> {
  const trace = await traceTo(host, options.trace);
  const platform = trace?.platform ?? hostPlatform(undefined, undefined, host.stage);
  const log = logFor(platform.local, host, options);
  const context: Context = {
    platform,
    host,
    root: await rootOf(host, options.root, platform.local),
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

/** Under `--debug`: the lifecycle as it is walked through, `container c1: creating.mounts`; of `exec`, `process: joining`. */
function watcher(log: Log): (event: InspectionEvent & { readonly snapshot?: unknown }) => void {
  let last = '';
  return ({ type, snapshot }) => {
    if (type !== '@xstate.snapshot' || !isOfContainer(snapshot)) return;
    const { id } = snapshot.context;
    const line = `${id === undefined ? 'process' : `container ${id}`}: ${placeOf(snapshot.value)}`;
    // There are snapshots of events that led nowhere.
    if (line !== last) log.debug(line);
    last = line;
  };
}

/** The machine's own snapshots, among those of its phases' actors. */
function isOfContainer(snapshot: unknown): snapshot is { readonly value: unknown; readonly context: { id?: string } } {
  return typeof snapshot === 'object' && snapshot !== null && 'value' in snapshot && 'context' in snapshot;
}

/** The log alone: for a command line that can't be understood. */
export const openLogAlone = (host: Host, options: GlobalOptions): Log => logFor(hostPlatform().local, host, options);

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
  // Also what an empty value comes to in the root directory; containers would be made and deleted among the host's.
  if (root === '/') throw new Error('Option --root argument should not be set to /');
  return root;
}
