import type { Config } from '../config/config.ts';
import type { Report } from '../problem.ts';

const IPC: ReadonlySet<string> = new Set([
  ...['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax'],
  ...['kernel.shmmni', 'kernel.shm_rmid_forced'],
]);

/**
 * The name with dots between its parts. sysctl.d(5) also allows slashes: if the first separator is a slash, dots and
 * slashes have changed places (`net/ipv4/conf/eno2.100/rp_filter`).
 */
export function dottedSysctl(name: string): string {
  if (/[./]/.exec(name)?.[0] !== '/') return name;
  return name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}

/** The path below /proc/sys: `net/ipv4/conf/eno2.100/rp_filter`. */
export const sysctlPath = (name: string): string =>
  dottedSysctl(name).replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));

/**
 * Whether a part of the path is empty, `.` or `..`. How such a name begins would not tell which file it means.
 */
const isCrooked = (name: string): boolean =>
  sysctlPath(name)
    .split('/')
    .some((part) => part === '' || part === '.' || part === '..');

/**
 * Allows only kernel parameters of namespaces that are the container's own: not all of /proc/sys has namespaces. The
 * rules and words are runc's. A network namespace that is joined by its path may be the host's own: that is checked
 * where it is opened.
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
