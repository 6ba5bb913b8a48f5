/** The host of a simulated world before anything happens: its mounts, devices and directories. */

import { AT, FS_MAGIC, S } from '../../native/constants/files.ts';
import { MS } from '../../native/constants/mount.ts';
import { furnish } from './mount-calls.ts';
import { change, type Mount, type Path } from './mounts.ts';
import { FileSystem, type Node } from './nodes.ts';
import { procFileSystem, sysFileSystem } from './proc.ts';
import { devptsFileSystem } from './terminals.ts';
import { walk } from './walk.ts';
import type { World } from './world.ts';

const DIRECTORIES = ['/bin', '/dev', '/etc', '/proc', '/run', '/sys', '/tmp', '/var/lib'];
const DEVICES = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
] as const;

export function furnishHost(world: World): void {
  for (const path of DIRECTORIES) makeDirectory(world, path);
  const mount = (fs: FileSystem, path: string) => furnish(world, fs, makeDirectory(world, path), fs.type);
  const tmpfs = () => new FileSystem('tmpfs', FS_MAGIC.TMPFS, world.number());
  mount(procFileSystem(world, world.pidNamespace), '/proc');
  mount(sysFileSystem(world), '/sys');
  const dev = mount(tmpfs(), '/dev');
  for (const [name, major, minor] of DEVICES) dev.root.add(name, S.IFCHR, 0o666).rdev = (major << 8) | minor;
  dev.root.addSymlink('ptmx', 'pts/ptmx');
  mount(devptsFileSystem(world), '/dev/pts');
  mount(tmpfs(), '/run');
  mountCgroups(world, mount);
  // All mounts are shared, as systemd leaves them. So are mounts that come later.
  for (const one of world.hostInit.root.mount.all()) change(one, MS.SHARED);
}

function mountCgroups(world: World, mount: (fs: FileSystem, path: string) => Mount): void {
  const base = '/sys/fs/cgroup';
  const { hierarchies } = world.cgroups;
  const legacy = hierarchies.filter(({ controllers }) => controllers.length > 0);
  if (legacy.length > 0) mount(new FileSystem('tmpfs', FS_MAGIC.TMPFS, world.number()), base);
  for (const { fs, controllers } of legacy) mount(fs, `${base}/${controllers.join(',').replace('name=', '')}`);
  for (const { fs, controllers } of hierarchies)
    if (controllers.length === 0) mount(fs, legacy.length > 0 ? `${base}/unified` : base);
}

/** Makes a directory of the host, with all its parents. */
export function makeDirectory(world: World, path: string): Path {
  let at = world.hostInit.root;
  for (const [i, name] of path.split('/').entries()) {
    if (name === '') continue;
    const prefix = path
      .split('/')
      .slice(0, i + 1)
      .join('/');
    const { parent, found } = walk(world.hostInit, AT.FDCWD, prefix, { follow: true });
    at = found ?? { mount: parent.mount, node: parent.node.addDirectory(name) };
  }
  return at;
}

/** Puts a file into the tree of the host. */
export function writeFile(world: World, path: string, text: string, mode = 0o644): Node {
  return parentOf(world, path).addFile(nameOf(path), text, mode);
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const parentOf = (world: World, path: string): Node => makeDirectory(world, path.slice(0, path.lastIndexOf('/'))).node;
