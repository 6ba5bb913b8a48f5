import type { Config } from '../config/config.ts';
import type { NamespaceType } from '../config/linux/namespaces.ts';
import type { Report } from '../problem.ts';

/** config-linux.md, "Namespaces", and which fields need a namespace of the container's own: runc's rules and words. */
export function checkNamespaces(config: Config, report: Report): void {
  const { namespaces = [] } = config.linux ?? {};
  const seen = new Set<NamespaceType>();
  for (const [index, { type, path }] of namespaces.entries()) {
    const at = ['linux', 'namespaces', index];
    if (seen.has(type)) report(at, `malformed spec file: duplicated ns "${type}"`);
    if (path && !path.startsWith('/')) report([...at, 'path'], 'must be an absolute path');
    if (path?.includes('\0')) report([...at, 'path'], 'contains a nul byte');
    seen.add(type);
  }
  checkDependents(config, seen, report);
  checkUserNamespace(config, report);
  checkTimeNamespace(config, report);
}

function checkDependents(config: Config, has: ReadonlySet<NamespaceType>, report: Report): void {
  const { hostname, domainname, linux = {} } = config;
  if (hostname && !has.has('uts')) {
    report(['hostname'], 'unable to set hostname without a private UTS namespace');
  }
  if (domainname && !has.has('uts')) {
    report(['domainname'], 'unable to set domainname without a private UTS namespace');
  }
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    if (has.has('mount') || !linux[name]?.length) continue;
    report(['linux', name], 'unable to restrict sys entries without a private MNT namespace');
  }
  if (Object.keys(linux.netDevices ?? {}).length > 0 && !has.has('network')) {
    report(['linux', 'netDevices'], 'unable to move network devices without a NET namespace');
  }
}

function checkUserNamespace({ linux = {} }: Config, report: Report): void {
  const { namespaces = [], uidMappings, gidMappings } = linux;
  const index = namespaces.findIndex(({ type }) => type === 'user');
  if (index === -1) {
    for (const name of ['uidMappings', 'gidMappings'] as const) {
      // Empty mappings are none, as for runc.
      if (!linux[name]?.length) continue;
      const reason = "user namespace mappings specified, but user namespace isn't enabled in the config";
      report(['linux', name], reason);
    }
    return;
  }
  // containerd writes both a path and mappings. That is allowed if they agree, which only a look at the host can tell.
  if (namespaces[index]?.path) return;
  const at = ['linux', 'namespaces', index];
  // The runtime makes mappings for a config that has none, as crun does. runc refuses it.
  if (!uidMappings?.length && !gidMappings?.length) return;
  if (!uidMappings?.length) report(at, 'user namespaces enabled, but no uid mappings found');
  if (!gidMappings?.length) report(at, 'user namespaces enabled, but no gid mappings found');
}

function checkTimeNamespace({ linux = {} }: Config, report: Report): void {
  if (!linux.timeOffsets) return;
  const path = ['linux', 'timeOffsets'];
  const time = linux.namespaces?.find(({ type }) => type === 'time');
  if (!time) {
    const reason = "time namespace offsets specified, but time namespace isn't enabled in the config";
    report(path, reason);
  }
  if (time?.path) {
    const reason = 'time namespace enabled, but both namespace path and time offsets specified';
    report(path, `${reason} -- you may only provide one`);
  }
}
