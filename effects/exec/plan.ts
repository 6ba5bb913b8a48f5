/** What a process of `exec` is to be, and the descriptors that it needs on its way into the container. */

import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned, type OwnedStack, opened } from '../../native/kernel/owned.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import { NotRunningError } from '../error.ts';
import { extraDescriptor } from '../init/descriptors.ts';
import { hasNamespace } from '../namespaces/plan.ts';
import type { GroupedProcess } from '../process/groups.ts';
import { holdInit } from '../running/observe.ts';
import type { ContainerFilter } from '../seccomp/container.ts';
import type { Session } from '../session.ts';
import type { ExecCgroup } from './cgroup.ts';

export interface ExecPlan {
  readonly record: ContainerRecord;
  readonly process: GroupedProcess;
  readonly cgroup: ExecCgroup | undefined;
  /** The container's seccomp filter. */
  readonly filter: ContainerFilter | undefined;
  /**
   * Has the systemd of an ordinary user move a process into the cgroup, where he may not do it himself.
   * @throws Error
   */
  readonly attach?: ((pid: Pid, cgroup: CgroupRecord) => void) | undefined;
}

/** What the process is started with besides what it inherits. */
export interface Extra {
  /** Descriptors of this process, in the order in which the new one has them. */
  readonly fds: readonly Fd[];
  /** Their numbers in the new process. */
  readonly places: {
    /** A pidfd of the container's init. */
    readonly init: Fd;
    /** The container's root, where it has no mount namespace of its own. */
    readonly root: Fd | undefined;
    readonly console: Fd | undefined;
    /** A connection to the seccomp agent. */
    readonly agent: Fd | undefined;
  };
}

/** @param owners get what is opened here: it is to be closed once the process is there */
export function openExtra(
  { platform: { local }, inheritance }: Session,
  { record, process, filter }: ExecPlan,
  owners: OwnedStack,
): Extra {
  const fds: Fd[] = [];
  const add = (fd: Fd): Fd => extraDescriptor(inheritance.preserveFds, fds.push(fd) - 1);
  const own = (owned: Owned): Fd => add(owners.use(owned).fd);
  const pidfd = record.init && holdInit(local, record.init);
  if (record.init === undefined || pidfd === undefined) throw new NotRunningError();
  const init = own(pidfd);
  // In a mount namespace of its own, the container's root is the root. Otherwise the init has entered it by chroot.
  const root = hasNamespace(record.config, 'mount')
    ? undefined
    : own(opened(local, openat(AT.FDCWD, `/proc/${record.init.pid}/root`, O.PATH | O.DIRECTORY)));
  const console =
    process.terminal && inheritance.consoleSocket !== undefined ? add(inheritance.consoleSocket) : undefined;
  const connection = filter?.connect();
  const agent = connection === undefined ? undefined : own(new Owned(local, connection));
  return { fds, places: { init, root, console, agent } };
}
