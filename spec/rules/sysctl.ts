import type { Config } from '../config/config.ts';
import type { Report } from '../problem.ts';

const IPC: ReadonlySet<string> = new Set([
  ...['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax'],
  ...['kernel.shmmni', 'kernel.shm_rmid_forced'],
]);

/**
 * The name with dots between its parts: sysctl.d(5) takes slashes too, and where the first separator is one,
 * dots and slashes have changed their places (`net/ipv4/conf/eno2.100.rp_filter`).
 */
export function dottedSysctl(name: string): string {
  if (/[./]/.exec(name)?.[0] !== '/') return name;
  return name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}

/** Below /proc/sys: `net/ipv4/conf/eno2.100/rp_filter`. */
export const sysctlPath = (name: string): string =>
  dottedSysctl(name).replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));

/**
 * Whether a part of the path is empty or leads elsewhere: what such a name begins with would say nothing about where it
 * ends.
 */
const isCrooked = (name: string): boolean =>
  sysctlPath(name)
    .split('/')
    .some((part) => part === '' || part === '.' || part === '..');

/**
 * Only kernel parameters of namespaces that are the container's: /proc/sys is not namespaced as a whole.
 * runc's rules and words. Whether a network namespace that is joined by its path is the host's own is left to
 * who opens it.
 */
export function checkSysctls({ linux = {} }: Config, report: Report): void {
  const has = new Set(linux.namespaces?.map(({ type }) => type));
  for (const key of Object.keys(linux.sysctl ?? {})) {
    const reason = refusal(dottedSysctl(key), has);
    if (reason) report(['linux', 'sysctl', key], reason);
  }
}

function refusal(name: string, has: ReadonlySet<string>): string | undefined {
  const quoted = JSON.stringify(name);
  if (isCrooked(name)) return `sysctl ${quoted} is not a name`;
  if (IPC.has(name) || name.startsWith('fs.mqueue.')) {
    return has.has('ipc') ? undefined : `sysctl ${quoted} is not allowed in the hosts ipc namespace`;
  }
  if (name.startsWith('net.')) {
    return has.has('network') ? undefined : `sysctl ${quoted} not allowed in host network namespace`;
  }
  if (name === 'kernel.domainname' && has.has('uts')) return undefined;
  if (name === 'kernel.hostname' && has.has('uts')) {
    return `sysctl ${quoted} is not allowed as it conflicts with the OCI "hostname" field`;
  }
  if (name.startsWith('user.')) {
    return has.has('user') ? undefined : `setting ucounts without a user namespace not allowed: ${quoted}`;
  }
  return `sysctl ${quoted} is not in a separate kernel namespace`;
}
