/** Cgroup hierarchies, v1 and v2, as file systems: their files, and when a cgroup can be removed. */

import { FS_MAGIC, S } from '../../native/constants/files.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { addDeviceFiles, type DeviceProgram } from './devices.ts';
import { fail } from './failure.ts';
import { FileSystem, type Node, type Special } from './nodes.ts';
import { end, type Process, processOf } from './processes.ts';
import type { World } from './world.ts';

export interface Hierarchy {
  readonly fs: FileSystem;
  /** Empty on v2, where only the files tell of controllers. */
  readonly controllers: readonly string[];
}

export type CgroupLayout = 'v1' | 'hybrid' | 'v2';

const V1 = ['cpuset', 'cpu,cpuacct', 'memory', 'devices', 'freezer', 'pids', 'name=systemd'] as const;

/** The files of a new v1 cgroup, besides its members, by controller. */
const V1_FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpuset: { 'cpuset.cpus': '', 'cpuset.mems': '', 'cgroup.clone_children': '0\n' },
  cpu: { 'cpu.shares': '1024\n', 'cpu.cfs_quota_us': '-1\n', 'cpu.cfs_period_us': '100000\n' },
  memory: { 'memory.limit_in_bytes': '9223372036854771712\n', 'memory.usage_in_bytes': '0\n' },
  pids: { 'pids.max': 'max\n', 'pids.current': '0\n' },
};
const V2_FILES = {
  'cgroup.controllers': 'cpuset cpu io memory pids\n',
  'cgroup.subtree_control': '',
  'cgroup.type': 'domain\n',
  'cgroup.max.depth': 'max\n',
  'cpu.max': 'max 100000\n',
  'cpu.weight': '100\n',
  'cpuset.cpus': '',
  'cpuset.mems': '',
  'io.weight': 'default 100\n',
  'memory.high': 'max\n',
  'memory.low': '0\n',
  'memory.max': 'max\n',
  'memory.swap.max': 'max\n',
  'memory.current': '0\n',
  'pids.max': 'max\n',
  'pids.current': '0\n',
} as const;

export class Cgroups {
  readonly world: World;
  readonly hierarchies: readonly Hierarchy[];
  readonly #frozen = new Set<Node>();
  readonly #deviceLists: Parameters<typeof addDeviceFiles>[1] = new WeakMap();

  constructor(world: World, layout: CgroupLayout) {
    this.world = world;
    const legacy = layout === 'v2' ? [] : V1.map((names) => this.#hierarchy(names.split(',')));
    const unified = layout === 'v1' ? [] : [this.#hierarchy([])];
    this.hierarchies = [...legacy, ...unified];
  }

  #hierarchy(controllers: readonly string[]): Hierarchy {
    const v2 = controllers.length === 0;
    const fs = new FileSystem(v2 ? 'cgroup2' : 'cgroup', v2 ? FS_MAGIC.CGROUP2 : FS_MAGIC.CGROUP, this.world.number(), {
      made: (directory) => this.#furnish(hierarchy, directory),
      checkRemovable: (directory) => {
        if (
          this.#membersBelow(hierarchy, directory).length > 0 ||
          [...directory.children.values()].some((c) => c.isDirectory)
        )
          fail('EBUSY');
      },
    });
    fs.options = controllers.map((name) => name);
    const hierarchy: Hierarchy = { fs, controllers };
    this.#furnish(hierarchy, fs.root);
    for (const [file, text] of [
      ['cpuset.cpus', '0-1\n'],
      ['cpuset.mems', '0\n'],
    ] as const)
      if (controllers.includes('cpuset')) fs.root.addFile(file, text);
    return hierarchy;
  }

  #furnish(hierarchy: Hierarchy, directory: Node): void {
    const add = (name: string, special: Special) => directory.add(name, S.IFREG, 0o644, special);
    const listMembers: Special = {
      read: (reader) =>
        this.#membersOf(hierarchy, directory)
          .map((one) => `${one.pidFor(reader)}\n`)
          .join(''),
      write: (writer, text) => this.move(processOf(writer, Number(text)), hierarchy, directory),
    };
    add('cgroup.procs', listMembers);
    const { controllers } = hierarchy;
    for (const name of controllers)
      for (const [file, text] of Object.entries(V1_FILES[name] ?? {})) directory.addFile(file, text);
    if (controllers.includes('devices')) addDeviceFiles(directory, this.#deviceLists);
    if (controllers.length > 0) {
      add('tasks', listMembers);
      if (!controllers.includes('freezer')) return;
      this.#addFreezer(hierarchy, directory, 'freezer.state', ['THAWED', 'FROZEN']);
      const flag = (on: () => boolean): Special => ({ read: () => (on() ? '1\n' : '0\n') });
      add(
        'freezer.self_freezing',
        flag(() => this.#frozen.has(directory)),
      );
      add(
        'freezer.parent_freezing',
        flag(() => directory.parent !== directory && this.#stands(directory.parent)),
      );
      return;
    }
    add('cgroup.threads', listMembers);
    // The root has no limits: the kernel shows only files there that can be read.
    for (const [file, text] of Object.entries(V2_FILES)) directory.addFile(file, text);
    this.#addFreezer(hierarchy, directory, 'cgroup.freeze', ['0', '1']);
    add('cgroup.events', {
      read: () => {
        const populated = this.#membersBelow(hierarchy, directory).length > 0 ? 1 : 0;
        return `populated ${populated}\nfrozen ${this.#stands(directory) ? 1 : 0}\n`;
      },
    });
    add('cgroup.kill', {
      write: () => {
        for (const one of this.#membersBelow(hierarchy, directory))
          end(one, { code: 'killed', status: SIGNALS.SIGKILL });
      },
    });
  }

  /** Adds the file that freezes and thaws. Processes that were killed while they were frozen end when they thaw. */
  #addFreezer(
    hierarchy: Hierarchy,
    directory: Node,
    name: string,
    words: readonly [thawed: string, frozen: string],
  ): void {
    const [thawed, frozen] = words;
    directory.add(name, S.IFREG, 0o644, {
      read: () => {
        const isV1 = hierarchy.controllers.length > 0;
        return `${(isV1 ? this.#stands(directory) : this.#frozen.has(directory)) ? frozen : thawed}\n`;
      },
      write: (_, text) => {
        const word = text.trim();
        if (word === frozen) this.#frozen.add(directory);
        else if (word === thawed) this.#frozen.delete(directory);
        else fail('EINVAL');
        for (const one of this.#membersBelow(hierarchy, directory))
          if (one.killPending && !this.isFrozen(one, true)) end(one, { code: 'killed', status: SIGNALS.SIGKILL });
      },
    });
  }

  /** Whether it is frozen by itself, or by a cgroup above it. */
  #stands(directory: Node): boolean {
    if (this.#frozen.has(directory)) return true;
    return directory.parent !== directory && this.#stands(directory.parent);
  }

  move(process: Process, hierarchy: Hierarchy, directory: Node): void {
    if (directory.unlinked) fail('ENODEV');
    if (process.state !== 'alive') fail('ESRCH');
    // A v1 cpuset takes no process before it has been told its processors and memory.
    if (directory.children.get('cgroup.clone_children') && textOf(directory, 'cpuset.cpus') === '') fail('ENOSPC');
    process.cgroups.set(hierarchy, directory);
  }

  /** Every device program that is attached somewhere. */
  programs(): readonly DeviceProgram[] {
    const below = (node: Node): DeviceProgram[] => [
      ...node.programs,
      ...[...node.children.values()].flatMap((child) => (child.isDirectory ? below(child) : [])),
    ];
    return this.hierarchies.flatMap(({ fs }) => below(fs.root));
  }

  /** The hierarchy that a directory belongs to. */
  hierarchyOf(directory: Node): Hierarchy | undefined {
    return this.hierarchies.find(({ fs }) => fs === directory.fs);
  }

  /** Whether a process is frozen. On v2 a frozen process can still be killed. */
  isFrozen(process: Process, killed: boolean): boolean {
    return [...process.cgroups].some(
      ([{ controllers }, node]) => (!killed || controllers.length > 0) && this.#stands(node),
    );
  }

  #membersOf(hierarchy: Hierarchy, directory: Node): readonly Process[] {
    return this.world.processes.filter((one) => one.cgroups.get(hierarchy) === directory);
  }

  #membersBelow(hierarchy: Hierarchy, directory: Node): readonly Process[] {
    return this.world.processes.filter((one) => one.cgroups.get(hierarchy)?.isBelow(directory) === true);
  }
}

const textOf = (directory: Node, name: string): string =>
  new TextDecoder().decode(directory.children.get(name)?.content).trim();
