/** Calls that make, join, change and end processes. */

import { AT, O, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { CLONE, KEYCTL, P, PR, W } from '../../native/constants/process.ts';
import { SECCOMP, SECCOMP_FILTER_FLAG } from '../../native/constants/seccomp.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { bytesOf, fill } from './args.ts';
import { OpenFile } from './descriptors.ts';
import { fail, WouldWaitForever } from './failure.ts';
import { top } from './mounts.ts';
import { end, fork, KINDS, type Kind, kindNames, newNamespaces, type Process, processOf, signal } from './processes.ts';
import { lookUp } from './walk.ts';
import type { Calls } from './world.ts';

const has = (flags: number, flag: number): boolean => Math.floor(flags / flag) % 2 === 1;

function clone(p: Process, view: DataView, pidfdInto: Uint8Array | undefined, childServes: number | undefined): number {
  const flags = Number(view.getBigUint64(0, true));
  const cgroup = Number(view.getBigUint64(80, true));
  const asParent = has(flags, CLONE.PARENT);
  if (asParent && (Number(view.getBigUint64(32, true)) !== 0 || p.isNamespaceInit)) fail('EINVAL');
  const directory = has(flags, CLONE.INTO_CGROUP) ? p.descriptors.get(cgroup).path?.node : undefined;
  const hierarchy = directory && p.world.cgroups.hierarchyOf(directory);
  if (has(flags, CLONE.INTO_CGROUP) && (hierarchy === undefined || hierarchy.controllers.length > 0)) fail('EBADF');
  if (childServes === undefined) fail('EINVAL');
  const child = fork(p, flags);
  child.exitSignal = asParent ? p.exitSignal : Number(view.getBigUint64(32, true));
  if (asParent) child.parent = p.parent;
  if (directory !== undefined && hierarchy !== undefined) p.world.cgroups.move(child, hierarchy, directory);
  // The child's program closes its parent's socket, and goes on with a socket of its own.
  if (p.serving?.socket !== undefined) child.descriptors.close(p.serving.socket);
  child.serving = { socket: childServes, next: undefined };
  if (has(flags, CLONE.PIDFD) && pidfdInto !== undefined)
    new DataView(pidfdInto.buffer, pidfdInto.byteOffset).setInt32(0, p.install(openPidfd(child)), true);
  return child.pidFor(p);
}

const openPidfd = (process: Process): OpenFile => new OpenFile(O.RDWR, { process });

function enterNamespaces(p: Process, chosen: Partial<Record<Kind, Process['namespaces'][Kind]>>): void {
  const { pid, ...others } = chosen;
  if (pid !== undefined) p.childPids = pid;
  p.namespaces = { ...p.namespaces, ...others };
  const tree = others.mnt?.tree;
  if (tree === undefined) return;
  p.root = top({ mount: tree.root, node: tree.root.root });
  p.cwd = p.root;
}

function setns(p: Process, fd: number, flags: number): number {
  const file = p.descriptors.get(fd);
  if (file.process !== undefined) {
    const { namespaces, state } = file.process;
    if (state !== 'alive') fail('ESRCH');
    const kinds = kindNames.filter((kind) => has(flags, KINDS[kind]));
    if (kinds.length === 0) fail('EINVAL');
    enterNamespaces(p, Object.fromEntries(kinds.map((kind) => [kind, namespaces[kind]])));
    return 0;
  }
  const namespace = file.path?.node.special.namespace;
  if (namespace === undefined || (flags !== 0 && flags !== KINDS[namespace.kind])) fail('EINVAL');
  enterNamespaces(p, { [namespace.kind]: namespace });
  return 0;
}

function unshare(p: Process, flags: number): number {
  const { namespaces, root, cwd } = newNamespaces(p, flags);
  const { pid, ...others } = namespaces;
  p.childPids = pid;
  p.namespaces = { ...p.namespaces, ...others };
  p.root = root;
  p.cwd = cwd;
  return 0;
}

function execute(p: Process, path: string, argv: readonly string[], env: readonly string[]): number {
  const { node, mount } = lookUp(p, AT.FDCWD, path, { follow: true });
  if (node.type !== S.IFREG || !(node.mode & 0o111) || mount.attributes & MOUNT_ATTR.NOEXEC) fail('EACCES');
  p.descriptors.closeOnExec();
  p.serving = undefined;
  p.program = { path, argv, env };
  p.world.execute(p, node.path);
  return 0;
}

function wait(p: Process, type: number, id: number, info: DataView | undefined, options: number): number {
  const children = p.world.processes.filter(
    (one) =>
      one.parent === p &&
      one.state !== 'reaped' &&
      (one.exitSignal === SIGNALS.SIGCHLD || has(options, W.ALL)) &&
      (type === P.ALL || (type === P.PID ? one.pidFor(p) === id : p.descriptors.get(id).process === one)),
  );
  if (children.length === 0) fail('ECHILD');
  const ended = () => children.find((one) => one.state === 'zombie');
  while (ended() === undefined && !(options & W.NOHANG) && p.world.advance());
  const zombie = ended();
  if (zombie === undefined || zombie.exit === undefined) {
    if (options & W.NOHANG) return 0;
    throw new WouldWaitForever(`waitid of ${p.name} (pid ${p.pid}) would wait for ever`);
  }
  info?.setInt32(0, SIGNALS.SIGCHLD, true);
  info?.setInt32(8, zombie.exit.code === 'exited' ? 1 : 2, true);
  info?.setInt32(16, zombie.pidFor(p), true);
  info?.setInt32(24, zombie.exit.status, true);
  if (!(options & W.NOWAIT)) zombie.state = 'reaped';
  return 0;
}

function prctl(p: Process, option: number, argument: number, second: number): number {
  const { attributes } = p;
  const bit = 1n << BigInt(Math.max(0, option === PR.CAP_AMBIENT ? second : argument));
  switch (option) {
    case PR.CAPBSET_READ:
      return argument > 40 ? fail('EINVAL') : Number((attributes.bounding & bit) !== 0n);
    case PR.CAPBSET_DROP:
      if (argument > 40) fail('EINVAL');
      attributes.bounding &= ~bit;
      return 0;
    case PR.CAP_AMBIENT:
      if (argument === PR.CAP_AMBIENT_IS_SET) return Number((attributes.ambient & bit) !== 0n);
      if (argument === PR.CAP_AMBIENT_CLEAR_ALL) attributes.ambient = 0n;
      else if (!(attributes.capabilities.permitted & attributes.capabilities.inheritable & bit)) fail('EPERM');
      else attributes.ambient |= bit;
      return 0;
    case PR.GET_DUMPABLE:
      return attributes.prctl.get(PR.SET_DUMPABLE) ?? 1;
    default:
      attributes.prctl.set(option, argument);
      return 0;
  }
}

const CAPABILITY_OFFSETS = { effective: 0, permitted: 4, inheritable: 8 } as const;
const setNames = ['effective', 'permitted', 'inheritable'] as const;
const UNLIMITED = 0xffff_ffff_ffff_ffffn;

export const processCalls: Calls = {
  clone3(p, a) {
    if (a.num(1) < 88) fail('EINVAL');
    const pidfd = a.pointee(0, 8);
    return clone(p, a.view(0, 88), pidfd === undefined ? undefined : bytesOf(pidfd), a.childServes);
  },
  unshare: (p, a) => unshare(p, a.num(0)),
  setns: (p, a) => setns(p, a.num(0), a.num(1)),
  execve: (p, a) => execute(p, a.str(0), a.strings(1), a.strings(2)),
  exit_group(p, a) {
    end(p, { code: 'exited', status: a.num(0) & 0xff });
  },
  waitid: (p, a) => wait(p, a.num(0), a.num(1), a.isNull(2) ? undefined : a.view(2, 28), a.num(3)),
  kill(p, a) {
    if (a.num(0) < 0) fail('EINVAL');
    signal(processOf(p, a.num(0)), a.num(1));
  },
  pidfd_open: (p, a) => p.install(openPidfd(processOf(p, a.num(0)))),
  pidfd_send_signal(p, a) {
    const target = p.descriptors.get(a.num(0)).process ?? fail('EBADF');
    if (target.state === 'reaped') fail('ESRCH');
    signal(target, a.num(1));
  },
  getpid: (p) => p.pids.get(p.namespaces.pid) ?? 0,
  getppid: (p) => p.parent?.pidFor(p) ?? 0,
  geteuid: (p) => p.attributes.uid,
  umask(p, a) {
    const before = p.attributes.umask;
    p.attributes.umask = a.num(0) & 0o777;
    return before;
  },
  setsid(p) {
    if (p.attributes.session === p.pid) fail('EPERM');
    p.attributes.session = p.pid;
    return p.pids.get(p.namespaces.pid) ?? 0;
  },
  setresuid(p, a) {
    if (a.num(1) !== -1) p.attributes.uid = a.num(1);
  },
  // In the model, all files belong to everybody.
  setfsuid: (p) => p.attributes.uid,
  setresgid(p, a) {
    p.attributes.gid = a.num(0);
  },
  setgroups(p, a) {
    const view = a.num(0) === 0 ? undefined : a.view(1, a.num(0) * 4);
    p.attributes.groups = Array.from({ length: a.num(0) }, (_, i) => view?.getUint32(i * 4, true) ?? 0);
  },
  capset(p, a) {
    const view = a.view(1, 24);
    for (const name of setNames) {
      const at = CAPABILITY_OFFSETS[name];
      const set = BigInt(view.getUint32(at, true)) | (BigInt(view.getUint32(at + 12, true)) << 32n);
      if (name !== 'inheritable' && set & ~p.attributes.capabilities.permitted) fail('EPERM');
      p.attributes.capabilities[name] = set;
    }
  },
  prctl: (p, a) => prctl(p, a.num(0), a.num(1), a.num(2)),
  prlimit64(p, a) {
    const { limits } = processOf(p, a.num(0)).attributes;
    const [soft, hard] = limits.get(a.num(1)) ?? [UNLIMITED, UNLIMITED];
    if (!a.isNull(3)) {
      a.view(3, 16).setBigUint64(0, soft, true);
      a.view(3, 16).setBigUint64(8, hard, true);
    }
    if (a.isNull(2)) return 0;
    const wanted = [a.view(2, 16).getBigUint64(0, true), a.view(2, 16).getBigUint64(8, true)] as const;
    if (wanted[0] > wanted[1]) fail('EINVAL');
    limits.set(a.num(1), wanted);
  },
  keyctl(p, a) {
    if (a.num(0) === KEYCTL.JOIN_SESSION_KEYRING) p.attributes.keyring = a.optionalStr(1) ?? '_ses';
    return a.num(0) === KEYCTL.SETPERM ? 0 : p.world.number();
  },
  sethostname(p, a) {
    p.namespaces.uts.hostname = a.str(0).slice(0, a.num(1));
  },
  setdomainname(p, a) {
    p.namespaces.uts.domainname = a.str(0).slice(0, a.num(1));
  },
  uname(p, a) {
    const { hostname, domainname } = p.namespaces.uts;
    const fields = ['Linux', hostname, '6.18.0', '#1', 'x86_64', domainname];
    a.view(0, 65 * fields.length);
    for (const [i, text] of fields.entries()) fill(a.bytes(0).subarray(i * 65), new TextEncoder().encode(text), 64);
    return 0;
  },
  seccomp(p, a) {
    if (a.num(0) !== SECCOMP.SET_MODE_FILTER) return 0;
    p.attributes.filters++;
    return a.num(1) & SECCOMP_FILTER_FLAG.NEW_LISTENER ? p.install(new OpenFile(O.RDWR)) : 0;
  },
  madvise: () => 0,
  clock_gettime(p, a) {
    a.view(1, 16).setBigInt64(0, BigInt(p.world.tick()), true);
  },
  nanosleep(p) {
    p.world.tick();
  },
  getrandom(p, a) {
    const bytes = a.bytes(0).subarray(0, a.num(1));
    // The bytes differ from call to call, but are the same in every run.
    bytes.forEach((_, i) => {
      bytes[i] = (p.world.tick() * 167) & 0xff;
    });
    return bytes.length;
  },
};
