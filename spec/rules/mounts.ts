import type { Config } from '../config/config.ts';
import type { Mount } from '../config/mounts.ts';
import { isBindMount, MOUNT_OPTIONS } from '../mount-options.ts';
import type { JsonPath, Report } from '../problem.ts';

const OURS: ReadonlySet<string> = new Set(Object.values(MOUNT_OPTIONS).flat());

/**
 * config.md, "Root" and "Mounts". A relative destination counts from `/`, as in runc, and is warned about
 * (spec/rules/warnings.ts).
 */
export function checkMounts({ root, mounts = [], linux }: Config, report: Report): void {
  if (!root) report(['root'], 'root must be specified');
  else if (root.path === '') report(['root', 'path'], 'must not be empty');
  else if (root.path.includes('\0')) report(['root', 'path'], 'contains a nul byte');

  const userNamespace = linux?.namespaces?.some(({ type }) => type === 'user') ?? false;
  for (const [index, mount] of mounts.entries()) {
    const at = ['mounts', index];
    if (mount.destination === '') report([...at, 'destination'], 'must not be empty');
    for (const name of ['source', 'destination', 'type'] as const) {
      if (mount[name]?.includes('\0')) report([...at, name], 'mount field contains null byte');
    }
    if (isBindMount(mount)) checkBindOptions(mount, at, report);
    checkIdmap(mount, userNamespace, at, report);
  }
}

/**
 * Refuses file system options of a bind mount: the kernel ignores them in silence, and can't set them for one mount.
 */
function checkBindOptions({ options = [] }: Mount, at: JsonPath, report: Report): void {
  for (const [index, option] of options.entries()) {
    if (OURS.has(option)) continue;
    const reason = `bind mounts cannot have any filesystem-specific options applied, as ${JSON.stringify(option)}`;
    report([...at, 'options', index], reason);
  }
  if (options.includes('copy-symlink') && options.some((option) => /^(src|dest)-nofollow$/.test(option)))
    report([...at, 'options'], '"copy-symlink" cannot stand beside "src-nofollow" and "dest-nofollow"');
}

function checkIdmap(mount: Mount, userNamespace: boolean, at: JsonPath, report: Report): void {
  const { uidMappings, gidMappings, options = [] } = mount;
  const asked = options.some((option) => option === 'idmap' || option === 'ridmap');
  if (!asked && !uidMappings && !gidMappings) return;
  if (!isBindMount(mount)) report(at, 'id-mapped mounts are only supported for bind-mounts');
  // A mount without mappings takes those of the container's user namespace.
  if (!uidMappings && !gidMappings && userNamespace) return;
  if (!uidMappings?.length || !gidMappings?.length) {
    report(at, 'id-mapped mounts must have both uid and gid mappings specified');
  }
}
