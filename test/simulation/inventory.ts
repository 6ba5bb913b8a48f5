/** Lists what somebody has to give back in a simulated world. A clean-up is complete when the list is as before. */

import { type Mount, top } from './mounts.ts';
import type { Node } from './nodes.ts';
import { mountpointOf } from './proc.ts';
import type { World } from './world.ts';

/**
 * Processes, open descriptors of the host's processes, mounts in the host's namespace, cgroups and files, a line each.
 */
export function inventory(world: World): readonly string[] {
  const lines: string[] = [];
  for (const process of world.processes) {
    const { pid, name, state, descriptors } = process;
    if (state === 'reaped' || process === world.hostInit) continue;
    lines.push(`${state === 'zombie' ? 'zombie' : 'process'} ${pid} (${name})`);
    if (process.namespaces.pid !== world.pidNamespace) continue;
    for (const fd of descriptors.numbers())
      lines.push(`descriptor ${fd} of ${pid} (${name}): ${descriptors.get(fd).describe()}`);
  }
  const mounts = world.hostInit.root.mount.all();
  for (const mount of mounts)
    lines.push(`mount ${mount.id} ${mount.fs.type} on ${mountpointOf(mount, world.hostInit)}`);
  for (const { fs, controllers } of world.cgroups.hierarchies)
    for (const node of directoriesBelow(fs.root)) lines.push(`cgroup ${controllers.join(',')}:${node.path}`);
  for (const mount of mounts) if (!GENERATED.has(mount.fs.type)) lines.push(...files(mount, world));
  return lines;
}

const GENERATED = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts']);

function files(mount: Mount, world: World): string[] {
  const base = mountpointOf(mount, world.hostInit) ?? '?';
  const visit = (node: Node): string[] =>
    [...node.children.values()].flatMap((child) =>
      top({ mount, node: child }).mount === mount
        ? [`file ${base === '/' ? '' : base}${child.path}`, ...visit(child)]
        : [],
    );
  return visit(mount.root);
}

const directoriesBelow = (node: Node): Node[] =>
  [...node.children.values()].flatMap((child) => (child.isDirectory ? [child, ...directoriesBelow(child)] : []));
