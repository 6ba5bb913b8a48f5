/** File systems: trees of nodes. There are no hard links, so a name and its file are one thing. */

import type { ErrnoName } from '../../native/constants/errno.ts';
import { S } from '../../native/constants/files.ts';
import type { OpenFile } from './descriptors.ts';
import type { DeviceProgram } from './devices.ts';
import type { Path } from './mounts.ts';
import type { Namespace, Process } from './processes.ts';
import type { UnixSocket } from './sockets.ts';

/** What a node does beyond storing bytes: files of procfs and cgroupfs, magic links, sockets, namespaces. */
export interface Special {
  /** The text of the file, as it is when the file is opened. */
  readonly read?: (reader: Process) => string;
  readonly write?: (writer: Process, text: string) => void;
  readonly lookup?: (name: string, by: Process) => Node | undefined;
  readonly list?: (by: Process) => readonly string[];
  /** The text of a symlink, where it depends on the reader. */
  readonly target?: (by: Process) => string;
  /** Where a magic link leads. */
  readonly jump?: (by: Process) => Path;
  /** Whoever opens it gets another file: /dev/ptmx. */
  readonly open?: (by: Process, path: Path) => OpenFile;
  readonly namespace?: Namespace;
}

export class Node {
  readonly fs: FileSystem;
  readonly ino: number;
  /** S_IFDIR, S_IFREG, … */
  readonly type: number;
  mode: number;
  uid = 0;
  gid = 0;
  rdev = 0;
  name: string;
  /** The parent of a root is the root itself. */
  parent: Node;
  readonly children = new Map<string, Node>();
  content = new Uint8Array();
  /** The text of a symlink. */
  target = '';
  unlinked = false;
  special: Special = {};
  socket: UnixSocket | undefined;
  /** The device programs that are attached to a cgroup v2 directory. */
  readonly programs: DeviceProgram[] = [];
  readonly locks = new Map<OpenFile, 'shared' | 'exclusive'>();

  constructor(fs: FileSystem, type: number, mode: number, parent?: Node, name = '') {
    this.fs = fs;
    this.ino = ++fs.lastIno;
    this.type = type;
    this.mode = mode & 0o7777;
    this.parent = parent ?? this;
    this.name = name;
  }

  get isDirectory(): boolean {
    return this.type === S.IFDIR;
  }

  get isSymlink(): boolean {
    return this.type === S.IFLNK;
  }

  child(name: string, by: Process): Node | undefined {
    return this.children.get(name) ?? this.special.lookup?.(name, by);
  }

  names(by: Process): readonly string[] {
    return [...this.children.keys(), ...(this.special.list?.(by) ?? [])];
  }

  add(name: string, type: number, mode: number, special: Special = {}): Node {
    const node = new Node(this.fs, type, mode, this, name);
    node.special = special;
    this.children.set(name, node);
    return node;
  }

  addDirectory(name: string, special: Special = {}): Node {
    return this.add(name, S.IFDIR, 0o755, special);
  }

  addFile(name: string, text = '', mode = 0o644): Node {
    const node = this.add(name, S.IFREG, mode);
    node.content = new TextEncoder().encode(text);
    return node;
  }

  addSymlink(name: string, target: string): Node {
    const node = this.add(name, S.IFLNK, 0o777);
    node.target = target;
    return node;
  }

  /** Takes the node out of its directory. */
  remove(): void {
    this.parent.children.delete(this.name);
    this.unlinked = true;
  }

  /** Gives the node a name in a directory. It has been taken out of its old one. */
  placeIn(parent: Node, name: string): void {
    this.parent = parent;
    this.name = name;
    this.unlinked = false;
    parent.children.set(name, this);
  }

  isBelow(ancestor: Node): boolean {
    for (let node: Node = this; ; node = node.parent) {
      if (node === ancestor) return true;
      if (node.parent === node) return false;
    }
  }

  /** The path from the root of the file system. */
  get path(): string {
    return this.parent === this ? '/' : `${this.parent.path === '/' ? '' : this.parent.path}/${this.name}`;
  }
}

interface FileSystemHooks {
  /** The error for whoever makes or removes anything in it. */
  readonly fixed?: ErrnoName;
  /** Is called when a directory has been made: a cgroup has its files from the beginning. */
  readonly made?: (directory: Node) => void;
  /** Whether a directory counts as empty. @throws Failure */
  readonly checkRemovable?: (directory: Node) => void;
}

export class FileSystem {
  readonly type: string;
  readonly magic: number;
  readonly device: number;
  readonly hooks: FileSystemHooks;
  readonly root: Node;
  lastIno = 0;
  readOnly = false;
  /** The options that the last column of mountinfo shows. */
  options: readonly string[] = [];

  constructor(type: string, magic: number, device: number, hooks: FileSystemHooks = {}) {
    this.type = type;
    this.magic = magic;
    this.device = device;
    this.hooks = hooks;
    this.root = new Node(this, S.IFDIR, 0o755);
  }
}
