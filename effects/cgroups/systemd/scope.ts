/** Has systemd make a container's cgroup, as a transient scope around the container's first process. */

import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Pid } from '../../../native/kernel/numbers.ts';
import { BusError } from '../../../native/libraries/bus/bus.ts';
import type { BusValue } from '../../../native/libraries/bus/values.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { createCgroup } from '../create.ts';
import { policyOf } from '../devices/policy.ts';
import { containerRules } from '../devices/rules.ts';
import { CgroupError } from '../error.ts';
import { freeze, isFrozen, thaw } from '../freeze.ts';
import { checkMemoryUse } from '../limits/memory-use.ts';
import { removeCgroup } from '../remove.ts';
import { updateResources } from '../resources.ts';
import { annotationProperties } from './annotations.ts';
import { cpuQuota } from './cpu-quota.ts';
import { delegateCgroup } from './delegate.ts';
import { deviceProperties } from './device-properties.ts';
import type { Systemd } from './manager.ts';
import { resourceProperties } from './properties.ts';
import { oomPolicy } from './unified.ts';
import { unitOf } from './unit.ts';
import { array, bool, property, propertyText, str } from './values.ts';
import type { Version } from './version.ts';

export interface ScopeRequest {
  /** The container's id. */
  readonly id: string;
  /** `slice:prefix:name` */
  readonly cgroupsPath?: string | undefined;
  /** The process that systemd moves into the scope, since a scope cannot be empty. */
  readonly pid: Pid;
  readonly resources: LinuxResources;
  /** The annotations of config.json. `org.systemd.property.*` are properties of the unit. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly rootless?: boolean;
  /** The user who is to own the cgroup: see owner.ts. On v2 only. */
  readonly ownerUid?: number;
}

/**
 * The properties of the unit that systemd is asked for. Pure.
 * @throws CgroupError for impossible values
 */
export function scopeProperties(record: CgroupRecord, request: ScopeRequest, version: Version): readonly BusValue[] {
  const { resources } = request;
  const { name, slice } = unitOf(request.cgroupsPath, request.id);
  const parent = slice || (request.rootless ? 'user.slice' : 'system.slice');
  return [
    property('Description', str(`runchart container ${request.id}`)),
    ...(name.endsWith('.slice')
      ? [property('Wants', array('s', [str(parent)]))]
      : [property('Slice', str(parent)), property('Delegate', bool(true))]),
    property('PIDs', array('u', [{ type: 'u', value: request.pid }])),
    ...[
      'MemoryAccounting',
      'CPUAccounting',
      record.layout === 'v2' ? 'IOAccounting' : 'BlockIOAccounting',
      'TasksAccounting',
    ].map((accounting) => property(accounting, bool(true))),
    property('DefaultDependencies', bool(false)),
    ...annotationProperties(request.annotations ?? {}),
    ...(record.layout === 'v2' ? oomPolicy(resources.unified ?? {}, version) : []),
    ...deviceProperties(policyOf(containerRules(resources.devices))),
    ...resourceProperties(record.layout, resources, version),
  ];
}

/**
 * Has systemd make the scope. Then it makes what systemd leaves to us: the other directories on v1, the controllers on
 * v2, limits that have no property. The process is in the v2 cgroup and in systemd's own v1 one then. `joinCalls`
 * brings it into the others.
 * @throws CgroupError, BusError; then the scope is gone
 */
export function startScope(
  systemd: Systemd,
  kernel: Kernel,
  record: CgroupRecord,
  request: ScopeRequest,
): CgroupRecord {
  const unit = unitNameOf(record);
  const { version } = systemd;
  const properties = scopeProperties(record, request, version);
  try {
    systemd.startTransientUnit(unit, properties);
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    const asked = properties.map(propertyText).join(' ');
    throw new CgroupError(`unable to start unit ${unit} (${asked}): ${error.message}`);
  }
  try {
    const made = createCgroup(kernel, record, withRoundedQuota(request.resources, version), {
      ...(request.rootless === undefined ? {} : { rootless: request.rootless }),
      explicitPath: true,
    });
    if (record.layout === 'v2' && record.paths.unified !== undefined && request.ownerUid !== undefined)
      delegateCgroup(kernel, record.paths.unified, request.ownerUid);
    return made;
  } catch (error) {
    systemd.stopUnit(unit);
    throw error;
  }
}

/** Ends the scope, and removes directories that systemd does not know. @throws CgroupError, BusError */
export function stopScope(systemd: Systemd, kernel: Kernel, record: CgroupRecord): void {
  try {
    systemd.stopUnit(unitNameOf(record));
  } finally {
    removeCgroup(kernel, record);
  }
}

/**
 * Changes the limits of a running scope.
 * @param before the limits in force, which are set again if the change fails
 * @throws CgroupError, BusError
 */
export function updateScope(
  systemd: Systemd,
  kernel: Kernel,
  record: CgroupRecord,
  resources: LinuxResources,
  before: LinuxResources,
): void {
  const unit = unitNameOf(record);
  const { version } = systemd;
  // This comes first, since a limit that systemd sets may kill the container's processes.
  checkMemoryUse(kernel, record, resources);
  const set = (to: LinuxResources) => systemd.setUnitProperties(unit, resourceProperties(record.layout, to, version));
  // On v1 systemd writes all device rules anew, and begins with none. The container must not run meanwhile.
  const pause = record.layout !== 'v2' && record.paths.freezer !== undefined && !isFrozen(kernel, record);
  if (pause) freeze(kernel, record);
  try {
    set(resources);
    try {
      updateResources(kernel, record, withRoundedQuota(resources, version));
    } catch (error) {
      set(before);
      throw error;
    }
  } finally {
    if (pause) thaw(kernel, record);
  }
}

function withRoundedQuota(resources: LinuxResources, version: Version): LinuxResources {
  const { cpu } = resources;
  if (cpu === undefined) return resources;
  const { quota } = cpuQuota(cpu, version);
  return quota === undefined ? resources : { ...resources, cpu: { ...cpu, quota } };
}

function unitNameOf({ unit }: CgroupRecord): string {
  if (unit === undefined) throw new CgroupError('the container has no systemd unit');
  return unit;
}
