/**
 * `features`: what this build can do on this kernel (features.md and features-linux.md of the runtime specification).
 */

import { NAMESPACE_FLAGS } from '../../effects/namespaces/plan.ts';
import { readSmallFile } from '../../effects/paths/proc.ts';
import { flagSupported } from '../../effects/seccomp/flags.ts';
import { faccessat2 } from '../../native/calls/files.ts';
import { AT } from '../../native/constants/files.ts';
import { CAPABILITIES } from '../../native/constants/process.ts';
import { SCMP_ARCH } from '../../native/constants/seccomp.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { LibSeccomp } from '../../native/libraries/libseccomp.ts';
import type { Platform } from '../../native/platform.ts';
import { hooksSchema } from '../../spec/config/hooks.ts';
import {
  seccompActionSchema,
  seccompArchSchema,
  seccompFlagSchema,
  seccompOperatorSchema,
} from '../../spec/config/linux/seccomp.ts';
import { memoryPolicyFlagSchema, memoryPolicyModeSchema } from '../../spec/config/linux/tuning.ts';
import { MOUNT_OPTIONS } from '../../spec/mount-options.ts';
import type { Features, NamespaceType } from '../../spec/types.ts';
import { OCI_VERSION } from '../../spec/version.ts';

/** We can do it, whether or not this kernel can: features-linux.md asks for no more. */
const DONE = { enabled: true } as const;

/** @param version of this build */
export function featuresOf(platform: Platform, version: string): Features {
  const { local } = platform;
  const library = libraryOf(platform);
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: OCI_VERSION,
    hooks: Object.keys(hooksSchema.shape),
    mountOptions: mountOptions(),
    linux: {
      namespaces: namespaces(local),
      capabilities: capabilities(local),
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: library === undefined ? { enabled: false } : seccomp(local, library),
      apparmor: DONE,
      selinux: DONE,
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: {
        modes: memoryPolicyModeSchema.options.toSorted(),
        flags: memoryPolicyFlagSchema.options.toSorted(),
      },
      mountExtensions: { idmap: DONE },
      netDevices: DONE,
    },
    annotations: {
      ...(library === undefined ? {} : { 'io.github.seccomp.libseccomp.version': library.version }),
      // Engines look for this annotation of runc's. Whether CRIU is installed they find out themselves.
      'org.opencontainers.runc.checkpoint.enabled': 'true',
      'runchart.version': version,
    },
    // Those of crun's write to files and sockets of the host, give the caller's groups away, or replace the filter.
    potentiallyUnsafeConfigAnnotations: [
      'org.criu.config',
      'org.systemd.property.',
      'run.oci.hooks.',
      'run.oci.keep_original_groups',
      'run.oci.pidfd_receiver',
      'run.oci.seccomp_bpf_data',
    ],
  };
}

function mountOptions(): string[] {
  return Object.values(MOUNT_OPTIONS).flat().toSorted();
}

/** The kernel's names for namespaces, where the specification's differ. */
const FILES: Readonly<Partial<Record<NamespaceType, string>>> = { mount: 'mnt', network: 'net' };

function namespaces(local: Kernel): NamespaceType[] {
  return namespaceTypes()
    .filter((type) => isThere(local, `/proc/self/ns/${FILES[type] ?? type}`))
    .toSorted();
}

const namespaceTypes = (): NamespaceType[] =>
  Object.keys(NAMESPACE_FLAGS).filter((name): name is NamespaceType => name in NAMESPACE_FLAGS);

const isThere = (local: Kernel, path: string): boolean => attempt(local, faccessat2(AT.FDCWD, path, 0)) >= 0;

/** The capabilities that we know and this kernel has. */
function capabilities(local: Kernel): string[] {
  const last = Number(readSmallFile(local, '/proc/sys/kernel/cap_last_cap'));
  return CAPABILITIES.slice(0, last + 1);
}

function seccomp(local: Kernel, library: LibSeccomp) {
  const flags = seccompFlagSchema.options;
  return {
    enabled: true,
    actions: seccompActionSchema.options.toSorted(),
    operators: seccompOperatorSchema.options.toSorted(),
    // Every architecture has `exit`. An architecture on which the library cannot resolve it is unknown to the library.
    archs: seccompArchSchema.options.filter((name) => library.resolveOn('exit', SCMP_ARCH[name]) !== -1).toSorted(),
    knownFlags: flags.toSorted(),
    supportedFlags: flags.filter((name) => flagSupported(local, name)).toSorted(),
  };
}

/** @returns undefined where there is no libseccomp that we can use */
function libraryOf(platform: Platform): LibSeccomp | undefined {
  try {
    return platform.libseccomp();
  } catch {
    return undefined;
  }
}
