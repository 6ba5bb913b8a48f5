/** Plans which hooks run at a point of the lifecycle, and what they are told. Pure. */

import type { Variable } from '../../native/calls/process.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import type { Program } from '../../native/stage/program.ts';
import type { ContainerRecord, HookKind } from '../../spec/record.ts';
import type { Config, Hook, HookName, State, Status } from '../../spec/types.ts';
import { OCI_VERSION } from '../../spec/version.ts';
import { EffectError } from '../error.ts';

export interface PlannedHook extends Program {
  /** `createRuntime hook #0`, for errors. */
  readonly label: string;
  /** Milliseconds. */
  readonly timeout?: number;
  /** Files of the host, absolute, that its output is appended to. What has none is kept for an error alone. */
  readonly output?: HookOutput;
}

export interface HookOutput {
  readonly stdout?: string;
  readonly stderr?: string;
}

/** The annotations of crun's that say where the output of hooks goes. @throws EffectError if a path is not absolute */
export function hookOutput(annotations: Readonly<Record<string, string>>): HookOutput | undefined {
  const path = (name: string): string | undefined => {
    const given = annotations[`run.oci.hooks.${name}`];
    if (given !== undefined && !given.startsWith('/'))
      throw new EffectError(`annotation run.oci.hooks.${name}: ${given}: the path must be absolute`);
    return given;
  };
  const [stdout, stderr] = [path('stdout'), path('stderr')];
  if (stdout === undefined && stderr === undefined) return undefined;
  return { ...(stdout !== undefined && { stdout }), ...(stderr !== undefined && { stderr }) };
}

/** The trace that the runtime's caller is a part of (W3C Trace Context). */
const TRACEPARENT = 'TRACEPARENT=';

/**
 * @param env the environment of hooks whose config gives none. The specification does not say what it is. As with runc,
 * startContainer hooks get the environment of the container's process, and other hooks get the runtime's own. Unlike
 * with runc, so do createContainer hooks: in the container's, an image may set LD_PRELOAD for a program of the host
 * (CVE-2025-23266). Of the runtime's own, TRACEPARENT goes to hooks that have an environment of their own, too: what
 * they do belongs to the same trace.
 */
export function planHooks(
  { hooks, annotations }: Pick<Config, 'hooks' | 'annotations'>,
  kind: HookKind,
  env: readonly Variable[],
): readonly PlannedHook[] {
  // prestart hooks are deprecated. They run before those of createRuntime.
  const names: readonly HookName[] = kind === 'createRuntime' ? ['prestart', kind] : [kind];
  const planned = names.flatMap((name) => (hooks?.[name] ?? []).map((hook, index) => plan(name, index, hook, env)));
  const output = planned.length === 0 || annotations === undefined ? undefined : hookOutput(annotations);
  return output === undefined ? planned : planned.map((hook) => ({ ...hook, output }));
}

function plan(name: HookName, index: number, hook: Hook, env: readonly Variable[]): PlannedHook {
  const { path, args = [], timeout } = hook;
  const inherits = hook.env === undefined || (name === 'startContainer' && hook.env.length === 0);
  return {
    label: `${name} hook #${index}`,
    path,
    argv: args.length > 0 ? args : [path],
    env: inherits ? env : [...(hook.env ?? []), ...(name === 'startContainer' ? [] : traceparentOf(env, hook.env))],
    ...(timeout === undefined ? {} : { timeout: timeout * 1000 }),
  };
}

/** The runtime's variable, unless the hook has one of its own. */
function traceparentOf(env: readonly Variable[], own: readonly string[] = []): readonly Variable[] {
  if (own.some((variable) => variable.startsWith(TRACEPARENT))) return [];
  return env.filter((variable) => typeof variable === 'string' && variable.startsWith(TRACEPARENT)).slice(0, 1);
}

const STATUS: Readonly<Record<HookKind, Status>> = {
  createRuntime: 'creating',
  createContainer: 'creating',
  startContainer: 'created',
  poststart: 'running',
  poststop: 'stopped',
};

/**
 * What a hook gets on its standard input: runtime.md, "State".
 * @param pid the init's as the hook sees it, in the runtime's pid namespace or the container's; undefined for a
 * container that is no more
 */
export function hookState(record: ContainerRecord, kind: HookKind, pid: Pid | undefined): State {
  return {
    // The version of the specification that this state complies with, which need not be the config's.
    ociVersion: OCI_VERSION,
    id: record.id,
    status: STATUS[kind],
    ...(pid === undefined ? {} : { pid }),
    bundle: record.bundle,
    ...(Object.keys(record.annotations).length === 0 ? {} : { annotations: record.annotations }),
  };
}
