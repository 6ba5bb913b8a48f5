import type { Config } from './config/config.ts';
import type { Process } from './config/process.ts';
import type { JsonPath, Problem } from './problem.ts';

/** A path into the document, `*` for each element of a list; and whether what stands there asks for something. */
type Entry = readonly [path: string, asks: (value: unknown) => boolean];

// What config.json may ask for and runchart does not do yet. Refused by name rather than ignored: a container without
// the seccomp filter it was given is worse than none. Whoever builds one deletes its line.
const CONFIG: readonly Entry[] = [
  ['domainname', filled],
  ['mounts.*.uidMappings', filled],
  ['mounts.*.gidMappings', filled],
  ['mounts.*.options.*', oneOf('idmap', 'ridmap')],
  ['hooks.prestart', filled],
  ['hooks.createRuntime', filled],
  ['hooks.createContainer', filled],
  ['hooks.startContainer', filled],
  ['hooks.poststart', filled],
  ['hooks.poststop', filled],
  ['linux.uidMappings', filled],
  ['linux.gidMappings', filled],
  ['linux.sysctl', filled],
  ['linux.resources.devices.*', otherThanDenyAll],
  ['linux.resources.memory', filled],
  ['linux.resources.cpu', filled],
  ['linux.resources.pids', filled],
  ['linux.resources.blockIO', filled],
  ['linux.resources.hugepageLimits', filled],
  ['linux.resources.network', filled],
  ['linux.resources.rdma', filled],
  ['linux.resources.unified', filled],
  ['linux.namespaces.*.type', oneOf('user')],
  ['linux.namespaces.*.type', oneOf('time')],
  ['linux.devices', filled],
  ['linux.netDevices', filled],
  ['linux.seccomp', present],
  ['linux.rootfsPropagation', filled],
  ['linux.mountLabel', filled],
  ['linux.intelRdt', present],
  ['linux.memoryPolicy', present],
  ['linux.personality', present],
  ['linux.timeOffsets', filled],
];

const PROCESS: readonly Entry[] = [
  ['apparmorProfile', filled],
  ['selinuxLabel', filled],
  ['oomScoreAdj', present],
  ['scheduler', present],
  ['ioPriority', present],
  ['execCPUAffinity', filled],
];

/** The fields that runchart does not act upon yet: `config.json: linux.seccomp: not supported yet`. */
export function* unsupportedInConfig(config: Config): Generator<Problem> {
  if (config.process) yield* unsupportedInProcess(config.process, ['process']);
  yield* find(CONFIG, config, []);
}

/** The same of a process alone; `at` is where it stands in its document. */
export function* unsupportedInProcess(process: Process, at: JsonPath): Generator<Problem> {
  yield* find(PROCESS, process, at);
}

/** All paths that are refused, for tests and for what `features` must not claim. */
export function unsupportedPaths(): string[] {
  return [...CONFIG.map(([path]) => path), ...PROCESS.map(([path]) => `process.${path}`)];
}

function* find(table: readonly Entry[], document: unknown, at: JsonPath): Generator<Problem> {
  for (const [path, asks] of table) {
    for (const { path: found, value } of walk(document, path.split('.'), at)) {
      if (!asks(value)) continue;
      const which = typeof value === 'string' && path.endsWith('type') ? `${value} namespaces: ` : '';
      yield { path: found, reason: `${which}not supported yet` };
    }
  }
}

function* walk(
  value: unknown,
  steps: readonly string[],
  path: JsonPath,
): Generator<{ path: JsonPath; value: unknown }> {
  const [step, ...rest] = steps;
  if (step === undefined) yield { path, value };
  else if (step === '*') {
    if (!Array.isArray(value)) return;
    for (const [index, element] of value.entries()) yield* walk(element, rest, [...path, index]);
  } else if (typeof value === 'object' && value !== null) {
    const member: unknown = Object.getOwnPropertyDescriptor(value, step)?.value;
    if (member !== undefined) yield* walk(member, rest, [...path, step]);
  }
}

function present(value: unknown): boolean {
  return value !== undefined;
}

/** An empty string, list or object asks for nothing: engines written in Go leave them behind. */
function filled(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value !== undefined && value !== '';
  return Array.isArray(value) ? value.length > 0 : Object.values(value).some((member) => member !== undefined);
}

const DENY_ALL: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ['allow', [false]],
  ['type', ['a', '']],
  ['major', [-1]],
  ['minor', [-1]],
  ['access', ['rwm']],
]);

/** Of the device cgroup's rules there is only the one of runc's default config: deny all (and allow the default devices). */
function otherThanDenyAll(rule: unknown): boolean {
  return Object.entries(rule ?? {}).some(([key, value]) => DENY_ALL.get(key)?.includes(value) === false);
}

function oneOf(...values: readonly unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value);
}
