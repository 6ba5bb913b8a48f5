/** Reads and writes the text of `state.json`: the machine's persisted snapshot, and the version of the format. Pure. */

import { persisted, persistedState } from '../../machines/persisted.ts';
import type { PersistedState } from '../../machines/status.ts';
import { MAX_DEPTH, parseJson, parseJsonQuickly } from '../../spec/json.ts';
import { SpecError } from '../../spec/problem.ts';
import {
  type CgroupRecord,
  type ContainerRecord,
  type InitRecord,
  PHASES,
  type ResctrlRecord,
} from '../../spec/record.ts';
import { StoreError } from './error.ts';

declare global {
  interface JSON {
    /** ECMAScript's "JSON.parse source text access": Node 21 and later, Bun. */
    rawJSON(text: string): unknown;
  }
}

/** To be raised when an older record could be misread. A new field alone does not raise it. */
const VERSION = 1;

/** A state.json holds a config, and is nested a little deeper than that. */
const DEPTH = MAX_DEPTH + 10;

export interface Stored {
  readonly state: PersistedState;
  readonly record: ContainerRecord;
}

export function encodeState({ state, record }: Stored): string {
  const file = { runchart: VERSION, snapshot: persisted(state, record) };
  try {
    return JSON.stringify(file);
  } catch (error) {
    // JSON.stringify refuses bigints. Few configs hold one, and a replacer, which is called for every member, makes up
    // a third of the cost of a small state. So it is used in the second try only.
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify({ runchart: VERSION, wideIntegers: true, snapshot: file.snapshot }, wideIntegers);
  }
}

/** A replacer for JSON.stringify. Integers beyond 2^53 are bigints in a config (spec/json.ts). */
export function wideIntegers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? JSON.rawJSON(value.toString()) : value;
}

/**
 * Reads what `encodeState` wrote for the container `id` below `root`. It decides which processes are killed and which
 * cgroups are removed. So it is checked, even though only its owner may write it.
 * @throws StoreError `damaged`
 */
export function decodeState(text: string, root: string, id: string): Stored {
  const damaged = (reason: string, cause?: unknown) =>
    new StoreError(
      'damaged',
      `the state of container ${id} is damaged: ${reason} (delete --force removes what can be found)`,
      { cause },
    );
  let file: unknown;
  try {
    // A text of encodeState holds no null, and says whether it holds integers that a number cannot.
    file = parseJsonQuickly(text, 'state.json', DEPTH);
    if (field(file, 'wideIntegers') === true) file = parseJson(text, 'state.json', DEPTH);
  } catch (error) {
    throw damaged(error instanceof SpecError ? error.message : 'state.json cannot be read', error);
  }
  const version = field(file, 'runchart');
  if (version === undefined) throw damaged('state.json was not written by runchart');
  if (version !== VERSION)
    throw damaged(`state.json has version ${String(version)}, and this runchart reads ${VERSION}`);
  const snapshot = field(file, 'snapshot');
  const state = persistedState(field(snapshot, 'value'));
  if (state === undefined) throw damaged('state.json names no state of a container');
  const record: unknown = field(snapshot, 'context');
  const wrong = flaw(record);
  if (wrong !== undefined || !isRecord(record)) throw damaged(`state.json: ${wrong}`);
  if (record.id !== id) throw damaged(`state.json is of container ${record.id}`);
  // The state root may have been moved, or mounted elsewhere. The place where we found the file counts.
  return { state, record: { ...record, root } };
}

/**
 * Finds what `delete --force` needs of a container whose state is damaged, or was written by another runtime. Of a
 * state.json of runc's we understand the init and the cgroup.
 * @param guessed the cgroup that a container of this name has by default, for a file that names none
 */
export function salvageState(text: string | undefined, root: string, id: string, guessed?: CgroupRecord): Stored {
  let file: unknown;
  try {
    file = parseJson(text ?? '{}', 'state.json', DEPTH);
  } catch {
    file = {};
  }
  const context = field(field(file, 'snapshot'), 'context');
  const bundle = field(context, 'bundle');
  const init = [field(context, 'init'), initOfRunc(file)].find(isInit);
  const cgroup = [field(context, 'cgroup'), cgroupOfRunc(file), guessed].find(isCgroup);
  const resctrl = field(context, 'resctrl');
  const record: ContainerRecord = {
    id,
    root,
    bundle: typeof bundle === 'string' ? bundle : '',
    ociVersion: '',
    rootfs: '',
    created: '',
    owner: 0,
    annotations: {},
    config: { ociVersion: '' },
    options: { noPivot: false, noNewKeyring: false, systemdCgroup: false, preserveFds: 0 },
    begun: [...PHASES],
    reached: 'creating',
    leftovers: ['state'],
    ...(init === undefined ? {} : { init }),
    ...(cgroup === undefined ? {} : { cgroup }),
    ...(isResctrl(resctrl) ? { resctrl } : {}),
  };
  return { state: 'unfinished', record };
}

function initOfRunc(file: unknown): unknown {
  return { pid: field(file, 'init_process_pid'), startTime: String(field(file, 'init_process_start')) };
}

function cgroupOfRunc(file: unknown): unknown {
  const paths = field(file, 'cgroup_paths');
  if (typeof paths !== 'object' || paths === null) return undefined;
  const { '': unified, ...controllers }: { [name: string]: unknown } = { ...paths };
  return unified === undefined
    ? { layout: 'v1', driver: 'fs', paths: controllers }
    : { layout: 'v2', driver: 'fs', paths: { unified } };
}

/** @returns what is wrong with a record; undefined when nothing is */
function flaw(record: unknown): string | undefined {
  for (const name of ['id', 'bundle', 'ociVersion', 'rootfs', 'created'])
    if (typeof field(record, name) !== 'string') return `${name} is not a string`;
  for (const name of ['annotations', 'config', 'options'])
    if (!isObject(field(record, name))) return `${name} is missing`;
  for (const name of ['begun', 'leftovers']) if (!Array.isArray(field(record, name))) return `${name} is missing`;
  const reached = field(record, 'reached');
  if (reached !== 'creating' && reached !== 'created' && reached !== 'running') return 'reached is unknown';
  const init = field(record, 'init');
  if (init !== undefined && !isInit(init)) return 'init is no process';
  const cgroup = field(record, 'cgroup');
  if (cgroup !== undefined && !isCgroup(cgroup)) return 'cgroup is no cgroup';
  const resctrl = field(record, 'resctrl');
  if (resctrl !== undefined && !isResctrl(resctrl)) return 'resctrl is no group';
  return undefined;
}

function isRecord(value: unknown): value is ContainerRecord {
  return flaw(value) === undefined;
}

function isInit(value: unknown): value is InitRecord {
  const pid = field(value, 'pid');
  const startTime = field(value, 'startTime');
  return Number.isSafeInteger(pid) && Number(pid) > 0 && typeof startTime === 'string' && /^\d+$/.test(startTime);
}

function isCgroup(value: unknown): value is CgroupRecord {
  const paths = field(value, 'paths');
  return (
    ['v1', 'hybrid', 'v2'].some((layout) => layout === field(value, 'layout')) &&
    ['fs', 'systemd'].some((driver) => driver === field(value, 'driver')) &&
    isObject(paths) &&
    Object.values(paths).every(isCgroupPath)
  );
}

function isResctrl(value: unknown): value is ResctrlRecord {
  const monitor = field(value, 'monitor');
  return (
    ['root', 'path'].every((name) => isPlainPath(field(value, name))) &&
    ['made', 'owned'].every((name) => typeof field(value, name) === 'boolean') &&
    (monitor === undefined || isPlainPath(monitor))
  );
}

/** Not the root of a hierarchy: the processes in the cgroup will be killed, and it will be removed. */
function isCgroupPath(path: unknown): boolean {
  return isPlainPath(path) && /^\/.+\/[^/]+$/.test(path);
}

/** Absolute, and without `..`. */
function isPlainPath(path: unknown): path is string {
  return typeof path === 'string' && path.startsWith('/') && !path.split('/').some((part) => part === '..');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function field(value: unknown, name: string): unknown {
  return isObject(value) ? (Object.getOwnPropertyDescriptor(value, name)?.value as unknown) : undefined;
}
