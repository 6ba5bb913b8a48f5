/** What planning mounts has to know about the host and the container. */

import type { CgroupRecord } from '../../spec/record.ts';
import type { NamespaceType } from '../../spec/types.ts';

export interface MountFacts {
  /** Absolute path of the rootfs on the host. */
  readonly rootfs?: string | undefined;
  /** Paths that are bound and are not directories. */
  readonly files: ReadonlySet<string>;
  /** The cgroup that the container is in, of all hierarchies. */
  readonly cgroup: CgroupRecord | undefined;
  /** The container has another cgroup namespace than the host's. */
  readonly cgroupNamespace: boolean;
  /** Namespaces that the container has not got: the host's are its own. */
  readonly hostNamespaces?: ReadonlySet<NamespaceType>;
  /** Namespaces that somebody else has made. */
  readonly joinedNamespaces?: ReadonlySet<NamespaceType>;
  /** SELinux's label for what file systems are mounted. */
  readonly label?: string | undefined;
}
