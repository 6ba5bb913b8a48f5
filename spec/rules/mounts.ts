import type { Config } from '../config/config.ts';
import type { Mount } from '../config/mounts.ts';
import { isBindMount, MOUNT_OPTIONS } from '../mount-options.ts';
import type { JsonPath, Problem } from '../problem.ts';

const OURS: ReadonlySet<string> = new Set(Object.values(MOUNT_OPTIONS).flat());

/**
 * config.md, "Root" and "Mounts". A destination may be relative: it counts from `/` with a warning
 * (spec/rules/warnings.ts), as in runc.
 */
export function* mountProblems({ root, mounts = [], linux }: Config): Generator<Problem> {
  if (!root) yield { path: ['root'], reason: 'root must be specified' };
  else if (root.path === '') yield { path: ['root', 'path'], reason: 'must not be empty' };
  else if (root.path.includes('\0')) yield { path: ['root', 'path'], reason: 'contains a nul byte' };

  const userNamespace = linux?.namespaces?.some(({ type }) => type === 'user') ?? false;
  for (const [index, mount] of mounts.entries()) {
    const at = ['mounts', index];
    if (mount.destination === '') yield { path: [...at, 'destination'], reason: 'must not be empty' };
    for (const name of ['source', 'destination', 'type'] as const) {
      if (mount[name]?.includes('\0')) yield { path: [...at, name], reason: 'mount field contains null byte' };
    }
    if (isBindMount(mount)) yield* bindProblems(mount, at);
    yield* idmapProblems(mount, userNamespace, at);
  }
}

/** The kernel drops a bind mount's filesystem options in silence, and can't set them for one mount. */
function* bindProblems({ options = [] }: Mount, at: JsonPath): Generator<Problem> {
  for (const [index, option] of options.entries()) {
    if (OURS.has(option)) continue;
    const reason = `bind mounts cannot have any filesystem-specific options applied, as ${JSON.stringify(option)}`;
    yield { path: [...at, 'options', index], reason };
  }
}

function* idmapProblems(mount: Mount, userNamespace: boolean, at: JsonPath): Generator<Problem> {
  const { uidMappings, gidMappings, options = [] } = mount;
  const asked = options.some((option) => option === 'idmap' || option === 'ridmap');
  if (!asked && !uidMappings && !gidMappings) return;
  if (!isBindMount(mount)) yield { path: at, reason: 'id-mapped mounts are only supported for bind-mounts' };
  // Without mappings of its own, the mount takes those of the container's user namespace.
  if (!uidMappings && !gidMappings && userNamespace) return;
  if (!uidMappings?.length || !gidMappings?.length) {
    yield { path: at, reason: 'id-mapped mounts must have both uid and gid mappings specified' };
  }
}
