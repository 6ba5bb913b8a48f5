/** A container's cgroup as systemd makes it: a transient scope around the container's first process. */

import type { Kernel } from '../../../native/kernel/kernel.ts';
import { BusError } from '../../../native/libraries/bus/bus.ts';
import type { BusValue } from '../../../native/libraries/bus/values.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { createCgroup } from '../create.ts';
import { policyOf } from '../devices/policy.ts';
import { containerRules } from '../devices/rules.ts';
import { CgroupError } from '../files.ts';
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
  /** The process around which the scope is made: systemd moves it there. A scope cannot be empty. */
  readonly pid: number;
  readonly resources: LinuxResources;
  /** Of config.json: `org.systemd.property.*` are properties of the unit. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly rootless?: boolean;
  /** Who owns the cgroup: root of a container that has its own cgroup namespace and mounts cgroups writable. v2 only. */
  readonly ownerUid?: number;
}

/**
 * The properties of the unit that is asked for. Pure.
 * @throws CgroupError for values that cannot be
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
 * Has systemd make the scope, then makes and limits what systemd leaves to us: its other directories on v1, the
 * controllers on v2, limits that have no property. The process is in the v2 cgroup and in systemd's own v1 one then;
 * `joinCalls` brings it into the others.
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
    throw new CgroupError(`unable to start unit ${unit} (${asked}): ${error.message}`, '', 0);
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

/** Ends the scope, and removes what systemd does not know of. @throws CgroupError, BusError */
export function stopScope(systemd: Systemd, kernel: Kernel, record: CgroupRecord): void {
  try {
    systemd.stopUnit(unitNameOf(record));
  } finally {
    removeCgroup(kernel, record);
  }
}

/**
 * Changes the limits of a running scope.
 * @param before the limits in force, to which it returns where it fails
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
  // Before systemd sets a limit that would end the container.
  checkMemoryUse(kernel, record, resources);
  const set = (to: LinuxResources) => systemd.setUnitProperties(unit, resourceProperties(record.layout, to, version));
  // On v1 systemd writes all device rules anew, beginning with `none`: nobody may be looking.
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
  if (unit === undefined) throw new CgroupError('the container has no systemd unit', '', 0);
  return unit;
}
