/** The process that `exec` starts: the container's own as flags change it, or the one of a process.json. */

import { reasonOf } from '../../effects/error.ts';
import { readSmallFile } from '../../effects/paths/proc.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { LARGEST_ID } from '../../spec/rules/process.ts';
import type { Process, User } from '../../spec/types.ts';
import { assertProcess, parseProcess } from '../../spec/validate.ts';
import type { Context } from '../container/context.ts';
import { containerProcess } from '../container/effects.ts';
import { absolutePath } from '../host/path.ts';

export interface ExecOverrides {
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  /** `NAME=value`, added to the container's own. */
  readonly env?: readonly string[] | undefined;
  readonly terminal: boolean;
  /** `uid` or `uid:gid`. */
  readonly user?: string | undefined;
  readonly additionalGids?: readonly number[] | undefined;
  /** Capabilities to add. */
  readonly capabilities?: readonly string[] | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  readonly apparmorProfile?: string | undefined;
  readonly selinuxLabel?: string | undefined;
}

/** @throws Error with runc's text */
export function overriddenProcess(record: ContainerRecord, overrides: ExecOverrides): Process {
  const own = ownProcess(record);
  const { args, cwd, env = [], terminal, noNewPrivileges, apparmorProfile, selinuxLabel } = overrides;
  if (args.length === 0) throw new Error('exec args cannot be empty');
  const process: Process = {
    ...own,
    args: [...args],
    env: [...(own.env ?? []), ...env],
    terminal,
    user: userOf(own.user ?? {}, overrides),
    ...(cwd === undefined || cwd === '' ? {} : { cwd }),
    ...(noNewPrivileges === undefined ? {} : { noNewPrivileges }),
    ...(apparmorProfile ? { apparmorProfile } : {}),
    ...(selinuxLabel ? { selinuxLabel } : {}),
    capabilities: withCapabilities(own.capabilities ?? {}, overrides.capabilities ?? []),
  };
  assertProcess(process, 'exec');
  return process;
}

const PROCESS_LIMIT = 16 << 20;

/** Reads the file of `--process`. @throws Error of one line */
export async function readProcess(
  { platform, host }: Context,
  record: ContainerRecord,
  file: string,
): Promise<Process> {
  let text: string;
  try {
    text = readSmallFile(platform.local, absolutePath(host, file), PROCESS_LIMIT);
  } catch (error) {
    throw new Error(`open ${file}: ${reasonOf(error)}`, { cause: error });
  }
  return completedProcess(record, await parseProcess(text, { document: file }));
}

/** Fills in from the container's process what a process.json leaves out and must not stay open. */
export function completedProcess(record: ContainerRecord, process: Process): Process {
  const own = ownProcess(record);
  const umask = process.user?.umask ?? own.user?.umask;
  return {
    ...process,
    ...inherited(own, process),
    capabilities: process.capabilities ?? own.capabilities ?? {},
    user: { ...process.user, ...(umask === undefined ? {} : { umask }) },
  };
}

const INHERITED = ['scheduler', 'ioPriority', 'apparmorProfile', 'selinuxLabel'] as const;

/**
 * An empty text counts as left out. The AppArmor profile is inherited as with crun; with runc no profile would confine
 * such a process.
 */
function inherited(own: Process, process: Process): Partial<Process> {
  const missing = INHERITED.filter((name) => own[name] && !process[name]);
  const { execCPUAffinity } = process;
  const affinity = Boolean(execCPUAffinity?.initial) || Boolean(execCPUAffinity?.final);
  return {
    ...Object.fromEntries(missing.map((name) => [name, own[name]])),
    ...(!affinity && own.execCPUAffinity !== undefined ? { execCPUAffinity: own.execCPUAffinity } : {}),
  };
}

function ownProcess(record: ContainerRecord): Process {
  const process = containerProcess(record);
  return { ...process, env: withoutSockets(process.env ?? []) };
}

/**
 * Leaves out what is for the container's first process alone: LISTEN_FDS and LISTEN_PID, which tell of descriptors that
 * only it has, and NOTIFY_SOCKET, by which it says that it is ready.
 */
function withoutSockets(env: readonly string[]): string[] {
  const listening = env.includes('LISTEN_PID=1');
  return env.filter((entry) => entry !== OWN_NOTIFY_SOCKET && !(listening && /^LISTEN_(FDS|PID)=/.test(entry)));
}

/** As effects/handover/notify.ts sets it, which is loaded only where it is needed. */
const OWN_NOTIFY_SOCKET = 'NOTIFY_SOCKET=/run/notify/notify.sock';

function userOf(own: User, { user, additionalGids = [] }: ExecOverrides): User {
  const [uid = '', gid] = user === undefined || user === '' ? [] : splitOnce(user);
  return {
    ...own,
    ...(gid === undefined ? {} : { gid: idOf(gid, 'gid') }),
    ...(uid === '' && gid === undefined ? {} : { uid: idOf(uid, 'uid') }),
    additionalGids: [...(own.additionalGids ?? []), ...additionalGids.map(additionalGid)],
  };
}

function splitOnce(text: string): readonly [string, string?] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

/**
 * Reads numbers as Go's Atoi does, and refuses those that are too large for an id. Of these runc cuts off the upper
 * bits.
 */
function idOf(text: string, what: 'uid' | 'gid'): number {
  if (!/^[+-]?\d+$/.test(text))
    throw new Error(`bad ${what}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  const id = Number(text);
  if (id < 0 || id > LARGEST_ID)
    throw new Error(`bad ${what}: strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`);
  return id;
}

function additionalGid(gid: number): number {
  if (gid < 0) throw new Error(`additional-gids must be a positive number ${gid}`);
  if (gid > LARGEST_ID) throw new Error(`additional-gids must be at most ${LARGEST_ID}, not ${gid}`);
  return gid;
}

/** Adds ambient capabilities only where there are inheritable ones: else the kernel would refuse them. */
function withCapabilities(own: NonNullable<Process['capabilities']>, added: readonly string[]) {
  if (added.length === 0) return own;
  const more = (names: readonly string[] | undefined): string[] => [...(names ?? []), ...added];
  return {
    ...own,
    bounding: more(own.bounding),
    effective: more(own.effective),
    permitted: more(own.permitted),
    ...(own.inheritable === undefined ? {} : { ambient: more(own.ambient) }),
  };
}
