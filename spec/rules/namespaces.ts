import type { Config } from '../config/config.ts';
import type { NamespaceType } from '../config/linux/namespaces.ts';
import type { Problem } from '../problem.ts';

/** config-linux.md, "Namespaces", and which fields need one of their own: runc's rules and words. */
export function* namespaceProblems(config: Config): Generator<Problem> {
  const { namespaces = [] } = config.linux ?? {};
  const seen = new Set<NamespaceType>();
  for (const [index, { type, path }] of namespaces.entries()) {
    const at = ['linux', 'namespaces', index];
    if (seen.has(type)) yield { path: at, reason: `malformed spec file: duplicated ns "${type}"` };
    if (path && !path.startsWith('/')) yield { path: [...at, 'path'], reason: 'must be an absolute path' };
    if (path?.includes('\0')) yield { path: [...at, 'path'], reason: 'contains a nul byte' };
    seen.add(type);
  }
  yield* dependents(config, seen);
  yield* userNamespaceProblems(config);
  yield* timeNamespaceProblems(config);
}

function* dependents(config: Config, has: ReadonlySet<NamespaceType>): Generator<Problem> {
  const { hostname, domainname, linux = {} } = config;
  if (hostname && !has.has('uts')) {
    yield { path: ['hostname'], reason: 'unable to set hostname without a private UTS namespace' };
  }
  if (domainname && !has.has('uts')) {
    yield { path: ['domainname'], reason: 'unable to set domainname without a private UTS namespace' };
  }
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    if (has.has('mount') || !linux[name]?.length) continue;
    yield { path: ['linux', name], reason: 'unable to restrict sys entries without a private MNT namespace' };
  }
  if (Object.keys(linux.netDevices ?? {}).length > 0 && !has.has('network')) {
    yield { path: ['linux', 'netDevices'], reason: 'unable to move network devices without a NET namespace' };
  }
}

function* userNamespaceProblems({ linux = {} }: Config): Generator<Problem> {
  const { namespaces = [], uidMappings, gidMappings } = linux;
  const index = namespaces.findIndex(({ type }) => type === 'user');
  if (index === -1) {
    for (const name of ['uidMappings', 'gidMappings'] as const) {
      if (!linux[name]) continue;
      const reason = "user namespace mappings specified, but user namespace isn't enabled in the config";
      yield { path: ['linux', name], reason };
    }
    return;
  }
  // Both a path and mappings: allowed where they agree, since containerd writes so. That takes a look at the host.
  if (namespaces[index]?.path) return;
  const at = ['linux', 'namespaces', index];
  if (!uidMappings && !gidMappings) {
    const reason = 'user namespaces enabled, but no namespace path to join nor mappings to apply specified';
    yield { path: at, reason };
  }
  if (!uidMappings?.length) yield { path: at, reason: 'user namespaces enabled, but no uid mappings found' };
  if (!gidMappings?.length) yield { path: at, reason: 'user namespaces enabled, but no gid mappings found' };
}

function* timeNamespaceProblems({ linux = {} }: Config): Generator<Problem> {
  if (!linux.timeOffsets) return;
  const path = ['linux', 'timeOffsets'];
  const time = linux.namespaces?.find(({ type }) => type === 'time');
  if (!time) {
    const reason = "time namespace offsets specified, but time namespace isn't enabled in the config";
    yield { path, reason };
  }
  if (time?.path) {
    const reason = 'time namespace enabled, but both namespace path and time offsets specified';
    yield { path, reason: `${reason} -- you may only provide one` };
  }
}
