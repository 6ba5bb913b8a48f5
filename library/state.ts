/** A container's state as the runtime specification has it (runtime.md, "State"), with what runc adds. */

import type { ContainerRecord } from '../spec/record.ts';
import type { Status } from '../spec/types.ts';
import { OCI_VERSION } from '../spec/version.ts';

export interface ContainerState {
  /** The version of the specification that this state complies with. It may differ from the config's. */
  readonly ociVersion: string;
  readonly id: string;
  readonly status: Status;
  /** The pid of the container's init, on the host; 0 when the container is stopped. */
  readonly pid: number;
  readonly bundle: string;
  readonly rootfs: string;
  /** When it was created, in RFC 3339. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export const containerStateOf = (record: ContainerRecord, status: Status): ContainerState => ({
  ociVersion: OCI_VERSION,
  id: record.id,
  status,
  pid: status === 'stopped' ? 0 : (record.init?.pid ?? 0),
  bundle: record.bundle,
  rootfs: record.rootfs,
  created: record.created,
  annotations: record.annotations,
});
