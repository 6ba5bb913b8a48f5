/** A container as the runtime specification shows it (runtime.md, "State"), with what runc adds. */

import type { ContainerRecord } from '../spec/record.ts';
import type { Status } from '../spec/types.ts';
import { OCI_VERSION } from '../spec/version.ts';

export interface ContainerState {
  /** Of the specification that this state complies with: not the config's. */
  readonly ociVersion: string;
  readonly id: string;
  readonly status: Status;
  /** Of the container's init, on the host; 0 when it is stopped. */
  readonly pid: number;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export const stateOf = (record: ContainerRecord, status: Status): ContainerState => ({
  ociVersion: OCI_VERSION,
  id: record.id,
  status,
  pid: status === 'stopped' ? 0 : (record.init?.pid ?? 0),
  bundle: record.bundle,
  rootfs: record.rootfs,
  created: record.created,
  annotations: record.annotations,
});
