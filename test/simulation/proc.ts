/** procfs and sysfs, as far as effects read or hide their files. */

import { FS_MAGIC, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { fail } from './failure.ts';
import { FileSystem, Node, type Special } from './nodes.ts';
import { kindNames, type Namespace, type Process } from './processes.ts';
import type { World } from './world.ts';

const DIRECTORIES = [
  'acpi',
  'asound',
  'bus',
  'fs',
  'irq',
  'scsi',
  'sys',
  'sys/kernel',
  'sys/net',
  'sys/net/ipv4',
  'sys/fs',
  'sys/fs/mqueue',
];
const FILES: Readonly<Record<string, string>> = {
  filesystems: 'nodev\tproc\nnodev\ttmpfs\nnodev\tcgroup\nnodev\tcgroup2\n\text4\n',
  interrupts: '',
  kcore: '',
  keys: '',
  'sysrq-trigger': '',
  timer_list: '',
  'sys/kernel/cap_last_cap': '40\n',
  'sys/kernel/domainname': '(none)\n',
  'sys/net/ipv4/ip_forward': '0\n',
};

export function procFileSystem(world: World, pids: Namespace): FileSystem {
  const fs = new FileSystem('proc', FS_MAGIC.PROC, world.number(), { fixed: 'ENOENT' });
  const places = new Map([['', fs.root]]);
  const split = (path: string): [Node, string] => {
    const at = path.lastIndexOf('/');
    return [places.get(path.slice(0, Math.max(0, at))) ?? fs.root, path.slice(at + 1)];
  };
  for (const path of DIRECTORIES) {
    const [parent, name] = split(path);
    places.set(path, parent.addDirectory(name));
  }
  for (const [path, text] of Object.entries(FILES)) {
    const [parent, name] = split(path);
    parent.addFile(name, text);
  }
  const self = (suffix: string): Special => ({ target: (by) => `${by.pids.get(pids) ?? ''}${suffix}` });
  fs.root.add('self', S.IFLNK, 0o777, self(''));
  fs.root.add('thread-self', S.IFLNK, 0o777, self(''));
  fs.root.addSymlink('mounts', 'self/mounts');
  fs.root.addSymlink('net', 'self/net');
  const living = () => world.processes.filter((one) => one.state !== 'reaped' && one.pids.has(pids));
  const directories = new WeakMap<Process, Node>();
  fs.root.special = {
    list: () => living().map((one) => String(one.pids.get(pids))),
    lookup: (name) => {
      const process = living().find((one) => String(one.pids.get(pids)) === name);
      if (process === undefined) return undefined;
      const known = directories.get(process) ?? processDirectory(fs.root, name, process);
      directories.set(process, known);
      return known;
    },
  };
  return fs;
}

function processDirectory(parent: Node, name: string, of: Process): Node {
  const directory = new Node(parent.fs, S.IFDIR, 0o555, parent, name);
  addTexts(directory, of);
  for (const file of ['uid_map', 'gid_map', 'setgroups', 'oom_score_adj', 'loginuid', 'timens_offsets'])
    directory.addFile(file, file === 'oom_score_adj' ? '0\n' : '');
  addLabels(directory.addDirectory('attr'), of);
  addLinks(
    directory.addDirectory('ns'),
    () => kindNames,
    (kind) => {
      const namespace = Object.entries(of.namespaces).find(([key]) => key === kind)?.[1];
      if (namespace === undefined) return undefined;
      const path = of.world.namespacePath(namespace);
      return { target: () => `${kind}:[${namespace.id}]`, jump: () => path };
    },
  );
  addLinks(
    directory.addDirectory('fd'),
    () => of.descriptors.numbers().map(String),
    (entry) => {
      if (!of.descriptors.numbers().includes(Number(entry))) return undefined;
      const { path } = of.descriptors.get(Number(entry));
      return { target: () => path?.node.path ?? 'socket:[0]', ...(path !== undefined && { jump: () => path }) };
    },
  );
  for (const [link, path] of [
    ['root', () => of.root],
    ['cwd', () => of.cwd],
  ] as const)
    directory.add(link, S.IFLNK, 0o777, { target: () => path().node.path, jump: path });
  directory.add('exe', S.IFLNK, 0o777, { target: () => of.program?.path ?? '/memfd:runchart-init (deleted)' });
  return directory;
}

/** The files of a process that are only read. */
function addTexts(directory: Node, of: Process): void {
  const text = (file: string, read: (reader: Process) => string) => directory.add(file, S.IFREG, 0o444, { read });
  const zeros = (count: number): string => ' 0'.repeat(count);
  text('stat', (reader) => {
    const pending = of.killPending ? 1 << (SIGNALS.SIGKILL - 1) : 0;
    const names = `${of.pidFor(reader)} (${commOf(of)}) ${stateOf(of)} ${of.parent?.pidFor(reader) ?? 0}`;
    return `${names}${zeros(17)} ${of.startTime}${zeros(8)} ${pending}${zeros(21)}\n`;
  });
  text('status', (reader) => {
    const pid = of.pidFor(reader);
    return `Name:\t${commOf(of)}\nState:\t${stateOf(of)}\nTgid:\t${pid}\nPid:\t${pid}\n`;
  });
  text('comm', () => `${commOf(of)}\n`);
  text('cmdline', () => (of.program?.argv ?? [of.name]).map((argument) => `${argument}\0`).join(''));
  text('cgroup', () =>
    [...of.cgroups]
      .map(
        ([{ controllers }, node], i) =>
          `${controllers.length === 0 ? 0 : i + 1}:${controllers.join(',')}:${node.path}\n`,
      )
      .join(''),
  );
  text('mountinfo', () => mountinfo(of));
  text('mounts', () => mountinfo(of));
}

/** The files by which a process sets its own labels. */
function addLabels(attributes: Node, of: Process): void {
  const label = (folder: Node, file: string, name: string) =>
    folder.add(file, S.IFREG, 0o666, {
      read: () => of.attributes.labels.get(name) ?? '',
      write(writer, value) {
        if (writer !== of) fail('EACCES');
        of.attributes.labels.set(name, value);
      },
    });
  for (const file of ['exec', 'keycreate']) label(attributes, file, file);
  label(attributes.addDirectory('apparmor'), 'exec', 'apparmor/exec');
}

/** Fills a directory with magic links. */
function addLinks(node: Node, names: () => readonly string[], link: (name: string) => Special | undefined): void {
  const made = new Map<string, Node>();
  node.special = {
    list: names,
    lookup: (entry) => {
      const special = link(entry);
      if (special === undefined) return undefined;
      const one = made.get(entry) ?? new Node(node.fs, S.IFLNK, 0o777, node, entry);
      one.special = special;
      made.set(entry, one);
      return one;
    },
  };
}

const commOf = (process: Process): string => (process.program?.path.split('/').at(-1) ?? process.name).slice(0, 15);
const stateOf = (process: Process): string => (process.state === 'alive' ? 'S' : 'Z');

/** The mountinfo of a process: only the mounts below its root. */
function mountinfo(of: Process): string {
  const lines = (of.namespaces.mnt.tree?.root.all() ?? []).map((mount) => {
    const point = mountpointOf(mount, of);
    const { fs } = mount;
    const propagation = [mount.group && ` shared:${mount.group.id}`, mount.master && ` master:${mount.master.id}`];
    const options = mount.attributes & MOUNT_ATTR.RDONLY ? 'ro' : 'rw';
    const superblock = [fs.readOnly ? 'ro' : 'rw', ...fs.options].join(',');
    if (point === undefined) return '';
    const where = `${mount.id} ${mount.parent?.id ?? mount.id} 0:${fs.device} ${mount.root.path} ${point}`;
    return `${where} ${options}${propagation.join('')} - ${fs.type} ${mount.source} ${superblock}\n`;
  });
  return lines.join('');
}

/** The path of a mount from a process's root. Undefined where it is not below that. */
export function mountpointOf(mount: import('./mounts.ts').Mount, of: Process): string | undefined {
  if (mount === of.root.mount) return '/';
  const { parent, mountpoint } = mount;
  if (parent === undefined || mountpoint === undefined) return undefined;
  const above = mountpointOf(parent, of);
  if (above === undefined) return undefined;
  const base = parent === of.root.mount ? of.root.node : parent.root;
  if (!mountpoint.isBelow(base)) return undefined;
  const inside = mountpoint.path.slice(base.path === '/' ? 0 : base.path.length);
  return (above === '/' ? '' : above) + (inside === '' || inside === '/' ? '' : inside) || '/';
}

export function sysFileSystem(world: World): FileSystem {
  const fs = new FileSystem('sysfs', FS_MAGIC.SYSFS, world.number(), { fixed: 'EPERM' });
  fs.root.addDirectory('firmware').addDirectory('acpi');
  fs.root.addDirectory('fs').addDirectory('cgroup');
  fs.root.addDirectory('kernel');
  fs.root.addDirectory('class');
  fs.root.addDirectory('devices').addDirectory('virtual').addDirectory('powercap');
  return fs;
}
