/** What planning mounts has to know about the host and the container. */

import type { CgroupRecord } from '../../spec/record.ts';
import type { NamespaceType } from '../../spec/types.ts';

export interface MountFacts {
  /** Absolute path of the rootfs on the host. */
  readonly rootfs?: string | undefined;
  /** The sources of binds that are not directories. */
  readonly files: ReadonlySet<string>;
  /** What the sources of binds say that are symbolic links, where an option asks about them. */
  readonly links?: ReadonlyMap<string, string>;
  /** The container's cgroup, in all hierarchies. */
  readonly cgroup: CgroupRecord | undefined;
  /** Whether the container has another cgroup namespace than the host's. */
  readonly cgroupNamespace: boolean;
  /** The namespaces that the container shares with the host. */
  readonly hostNamespaces?: ReadonlySet<NamespaceType>;
  /** The namespaces that the container joins: somebody else has made them. */
  readonly joinedNamespaces?: ReadonlySet<NamespaceType>;
  /** SELinux's label for the file systems that are mounted. */
  readonly label?: string | undefined;
}
