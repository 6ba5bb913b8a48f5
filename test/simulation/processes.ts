/** Processes and namespaces: how they are made, what they hold, how they end. */

import { CLONE } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import type { Hierarchy } from './cgroups.ts';
import { Descriptors, type OpenFile } from './descriptors.ts';
import { fail } from './failure.ts';
import { copyTree, type Mount, type MountTree, type Path } from './mounts.ts';
import type { Node } from './nodes.ts';
import type { World } from './world.ts';

export const KINDS = {
  mnt: CLONE.NEWNS,
  pid: CLONE.NEWPID,
  net: CLONE.NEWNET,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
  cgroup: CLONE.NEWCGROUP,
  user: CLONE.NEWUSER,
  time: CLONE.NEWTIME,
} as const;
export type Kind = keyof typeof KINDS;
export const kindNames = Object.keys(KINDS) as readonly Kind[];

export class Namespace {
  readonly kind: Kind;
  readonly id: number;
  readonly parent: Namespace | undefined;
  /** For a pid namespace. */
  lastPid = 0;
  init: Process | undefined;
  /** For a mount namespace. */
  tree: MountTree | undefined;
  /** For a cgroup namespace: what it shows as the root of each hierarchy. */
  readonly cgroupRoots = new Map<Hierarchy, Node>();
  /** For a uts namespace. */
  hostname = 'host';
  domainname = '(none)';

  constructor(kind: Kind, id: number, parent?: Namespace) {
    this.kind = kind;
    this.id = id;
    this.parent = parent;
  }
}

/** Where the batches of a process come from that runs the init's program. */
interface Serving {
  /** The socket that it serves on. Undefined while it waits for the next connection. */
  socket: number | undefined;
  /** Accepts the next connection, if the init waits for connections. */
  next: (() => number | undefined) | undefined;
}

interface Program {
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
}

/** Credentials and attributes that calls change, and that the model does not look at. */
interface Attributes {
  uid: number;
  gid: number;
  groups: readonly number[];
  capabilities: { effective: bigint; permitted: bigint; inheritable: bigint };
  bounding: bigint;
  ambient: bigint;
  readonly limits: Map<number, readonly [soft: bigint, hard: bigint]>;
  readonly prctl: Map<number, number>;
  keyring: string | undefined;
  umask: number;
  /** What was written to each file of /proc/PID/attr. */
  readonly labels: Map<string, string>;
  /** What each call was last told. */
  readonly scheduling: Map<string, readonly number[]>;
  /** How many seccomp filters it has. */
  filters: number;
  session: number;
}

const ALL_CAPABILITIES = (1n << 41n) - 1n;
const freshAttributes = (): Attributes => ({
  uid: 0,
  gid: 0,
  groups: [],
  capabilities: { effective: ALL_CAPABILITIES, permitted: ALL_CAPABILITIES, inheritable: 0n },
  bounding: ALL_CAPABILITIES,
  ambient: 0n,
  limits: new Map(),
  prctl: new Map(),
  keyring: undefined,
  labels: new Map(),
  scheduling: new Map(),
  umask: 0o022,
  filters: 0,
  session: 1,
});

export class Process {
  readonly world: World;
  /** The pid in the host's pid namespace. */
  readonly pid: number;
  readonly pids = new Map<Namespace, number>();
  readonly startTime: number;
  /** What reports call it, as the performer of its calls. */
  name: string;
  parent: Process | undefined;
  exitSignal: number = SIGNALS.SIGCHLD;
  readonly descriptors = new Descriptors();
  namespaces: Readonly<Record<Kind, Namespace>>;
  /** The pid namespace that its children are born in. */
  childPids: Namespace;
  root: Path;
  cwd: Path;
  readonly cgroups: Map<Hierarchy, Node>;
  attributes: Attributes;
  serving: Serving | undefined;
  program: Program | undefined;
  /** Signals that did not end it. */
  readonly signals: number[] = [];
  state: 'alive' | 'zombie' | 'reaped' = 'alive';
  /** How it ended, as waitid(2) tells it. */
  exit: { readonly code: 'exited' | 'killed'; readonly status: number } | undefined;
  /** It was killed while it was frozen, and ends when it thaws. */
  killPending = false;

  constructor(world: World, from: Process | undefined, namespaces: Record<Kind, Namespace>, root: Path) {
    this.world = world;
    this.pid = world.pidNamespace.lastPid + 1;
    this.startTime = world.tick();
    this.name = from?.name ?? 'process';
    this.namespaces = namespaces;
    this.childPids = namespaces.pid;
    this.root = root;
    this.cwd = root;
    this.cgroups = new Map(from?.cgroups);
    this.attributes = from === undefined ? freshAttributes() : copyAttributes(from.attributes);
    for (let ns: Namespace | undefined = namespaces.pid; ns !== undefined; ns = ns.parent)
      this.pids.set(ns, ++ns.lastPid);
    namespaces.pid.init ??= this;
    world.processes.push(this);
  }

  get isNamespaceInit(): boolean {
    return this.namespaces.pid.init === this && this.namespaces.pid.parent !== undefined;
  }

  /** Its pid as `other` sees it; 0 where `other` does not see it. */
  pidFor(other: Process): number {
    return this.pids.get(other.namespaces.pid) ?? 0;
  }

  install(file: OpenFile, closeOnExec = true): number {
    return this.descriptors.install(file, closeOnExec);
  }
}

const copyAttributes = (of: Attributes): Attributes => ({
  ...of,
  capabilities: { ...of.capabilities },
  limits: new Map(of.limits),
  prctl: new Map(of.prctl),
  labels: new Map(of.labels),
  scheduling: new Map(of.scheduling),
});

/** The process that has a pid for `by`. @throws Failure ESRCH */
export function processOf(by: Process, pid: number): Process {
  if (pid === 0) return by;
  const found = by.world.processes.find((one) => one.state !== 'reaped' && one.pids.get(by.namespaces.pid) === pid);
  return found ?? fail('ESRCH');
}

/**
 * Makes new namespaces of the kinds in `flags`; the others stay. A new mount namespace has a copy of the tree, and
 * `places` become the same places in the copy.
 */
export function newNamespaces(of: Process, flags: number) {
  const { world } = of;
  const namespaces: Record<Kind, Namespace> = { ...of.namespaces, pid: of.childPids };
  const copies = new Map<Mount, Mount>();
  for (const kind of kindNames) {
    // Bit operators do not work for flags beyond 32 bits.
    if (Math.floor(flags / KINDS[kind]) % 2 === 0) continue;
    const old = namespaces[kind];
    const made = new Namespace(kind, world.number(), old);
    namespaces[kind] = made;
    if (kind === 'uts') Object.assign(made, { hostname: old.hostname, domainname: old.domainname });
    if (kind === 'cgroup') for (const [hierarchy, node] of of.cgroups) made.cgroupRoots.set(hierarchy, node);
    if (kind === 'mnt' && old.tree !== undefined) {
      const { root } = old.tree;
      const copy = copyTree({ mount: root, node: root.root }, true, world.number, copies);
      made.tree = { root: copy };
      for (const mount of copy.all()) mount.tree = made.tree;
    }
  }
  const follow = ({ mount, node }: Path): Path => ({ mount: copies.get(mount) ?? mount, node });
  return { namespaces, root: follow(of.root), cwd: follow(of.cwd) };
}

/** fork(2), with the new namespaces of clone3(2)'s flags. */
export function fork(from: Process, flags: number): Process {
  const { namespaces, root, cwd } = newNamespaces(from, flags);
  const child = new Process(from.world, from, namespaces, root);
  child.cwd = cwd;
  child.parent = from;
  from.descriptors.copyTo(child.descriptors);
  return child;
}

/** Ends a process: it gives back what it held, its children get another parent, and its pid namespace ends with it. */
export function end(process: Process, exit: NonNullable<Process['exit']>): void {
  if (process.state !== 'alive') return;
  process.state = 'zombie';
  process.exit = exit;
  process.serving = undefined;
  process.descriptors.closeAll();
  process.cgroups.clear();
  const { world } = process;
  if (process.isNamespaceInit)
    for (const other of world.processes)
      if (other.pids.has(process.namespaces.pid)) end(other, { code: 'killed', status: SIGNALS.SIGKILL });
  const reaper = subreaperOf(process);
  for (const child of world.processes)
    if (child.parent === process) {
      child.parent = reaper;
      if (child.state === 'zombie' && (reaper === undefined || reaper === world.hostInit)) child.state = 'reaped';
    }
  const waits = process.parent !== undefined && process.parent !== world.hostInit;
  const namespaceEnded = !process.isNamespaceInit && process.namespaces.pid.init?.state !== 'alive';
  if (!waits || namespaceEnded) process.state = 'reaped';
}

const PR_SET_CHILD_SUBREAPER = 36;

function subreaperOf(process: Process): Process | undefined {
  for (let at = process.parent; at !== undefined; at = at.parent)
    if (at.state === 'alive' && (at.attributes.prctl.get(PR_SET_CHILD_SUBREAPER) || at.isNamespaceInit)) return at;
  return process.world.hostInit;
}

/** The signals that do not end a process by default: they are ignored, or stop it, or let it go on. */
const HARMLESS: ReadonlySet<number> = new Set([
  SIGNALS.SIGCHLD,
  SIGNALS.SIGCONT,
  SIGNALS.SIGURG,
  SIGNALS.SIGWINCH,
  SIGNALS.SIGSTOP,
  SIGNALS.SIGTSTP,
  SIGNALS.SIGTTIN,
  SIGNALS.SIGTTOU,
]);

/** Sends a signal, with its default action. The first process of a pid namespace gets only SIGKILL. */
export function signal(process: Process, number: number): void {
  if (number === 0 || process.state !== 'alive') return;
  const killed = number === SIGNALS.SIGKILL;
  if (!killed && (HARMLESS.has(number) || process.isNamespaceInit)) process.signals.push(number);
  else if (process.world.cgroups.isFrozen(process, killed)) process.killPending = true;
  else end(process, { code: 'killed', status: number });
}
