/** Kernel parameters of the container's own namespaces (config-linux.md, "Sysctl"). */

import { close, openat2, write } from '../../native/calls/files.ts';
import { O, RESOLVE } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { dottedSysctl, sysctlPath } from '../../spec/rules/sysctl.ts';
import type { PartedBatch } from '../batch.ts';
import { EffectError } from '../error.ts';
import { addProcfs } from '../paths/procfs.ts';
import { namespaceId } from './id.ts';

type Sysctls = Readonly<Record<string, string>>;

/**
 * Adds the writes. They go through a procfs of the init's own that is mounted nowhere: so nobody can put another file
 * in a parameter's place (CVE-2025-52881).
 */
export function addSysctls(batch: PartedBatch, sysctls: Sysctls): void {
  if (Object.keys(sysctls).length === 0) return;
  const proc = addProcfs(batch);
  batch.part('open a procfs to set sysctls');
  for (const [name, value] of Object.entries(sysctls)) {
    const path = `sys/${sysctlPath(name)}`;
    const file = batch.add(openat2(proc, path, { flags: O.WRONLY, resolve: RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS }));
    batch.add(write(file, value));
    batch.add(close(file));
    batch.part(`write sysctl key ${dottedSysctl(name)}`);
  }
  batch.add(close(proc));
}

/**
 * The namespaces that may be joined, and the parameters that belong to each. For other parameters the rules of the
 * config demand a new namespace, or refuse them.
 */
const JOINED = [
  { file: 'net', type: 'network', owns: /^net\./ },
  { file: 'ipc', type: 'ipc', owns: /^(kernel\.(msg|sem|shm)|fs\.mqueue\.)/ },
  { file: 'uts', type: 'uts', owns: /^kernel\.domainname$/ },
] as const;

/**
 * Refuses parameters of a namespace that the config joins by its path, and that turns out to be the host's.
 * @param pid of the init, which has joined it
 * @throws EffectError with runc's words
 */
export function refuseHostSysctls(local: Kernel, pid: Pid, sysctls: Sysctls): void {
  const names = Object.keys(sysctls).map(dottedSysctl);
  for (const { file, type, owns } of JOINED) {
    const name = names.find((one) => owns.test(one));
    if (name === undefined || namespaceId(local, String(pid), file) !== namespaceId(local, 'self', file)) continue;
    throw new EffectError(`sysctl ${JSON.stringify(name)} not allowed in host ${type} namespace`);
  }
}
