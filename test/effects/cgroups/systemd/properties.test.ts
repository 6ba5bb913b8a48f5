import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOf } from '../../../../effects/cgroups/devices/policy.ts';
import { containerRules } from '../../../../effects/cgroups/devices/rules.ts';
import { annotationProperties } from '../../../../effects/cgroups/systemd/annotations.ts';
import { bitsOf } from '../../../../effects/cgroups/systemd/cpu-list.ts';
import { cpuQuota } from '../../../../effects/cgroups/systemd/cpu-quota.ts';
import { deviceProperties } from '../../../../effects/cgroups/systemd/device-properties.ts';
import { versionOf } from '../../../../effects/cgroups/systemd/manager.ts';
import { resourceProperties } from '../../../../effects/cgroups/systemd/properties.ts';
import { type ScopeRequest, scopeProperties } from '../../../../effects/cgroups/systemd/scope.ts';
import { propertyText } from '../../../../effects/cgroups/systemd/values.ts';
import type { CgroupRecord } from '../../../../spec/record.ts';
import type { DeviceRule, LinuxResources } from '../../../../spec/types.ts';

const INFINITY = 'uint64max';
const shown = (properties: readonly Parameters<typeof propertyText>[0][]) =>
  properties.map((one) => propertyText(one).replace('t 18446744073709551615', INFINITY));
const v2 = (resources: LinuxResources, version: number | undefined = 252) =>
  shown(resourceProperties('v2', resources, version));
const v1 = (resources: LinuxResources) => shown(resourceProperties('v1', resources, 252));

test('the version is the leading number', () => {
  assert.deepEqual(['252.39-1~deb12u2', 'v245.4-1.fc32', '245', 'x'].map(versionOf), [252, 245, 245, undefined]);
});

test('resources as properties on v2', () => {
  assert.deepEqual(v2({ memory: { limit: 1024, swap: 4096, reservation: 512 } }), [
    'MemoryMax=t 1024',
    'MemoryLow=t 512',
    'MemorySwapMax=t 3072',
  ]);
  assert.deepEqual(v2({ memory: { limit: -1 } }), [`MemoryMax=${INFINITY}`, `MemorySwapMax=${INFINITY}`]);
  assert.deepEqual(v2({ cpu: { shares: 1024, cpus: '0-1,9', mems: '0' } }), [
    'CPUWeight=t 100',
    'AllowedCPUs=[y 3, y 2]',
    'AllowedMemoryNodes=[y 1]',
  ]);
  assert.deepEqual(v2({ cpu: { cpus: '0' } }, 243), []);
  assert.deepEqual(v2({ cpu: { idle: 1, shares: 1024 } }), ['CPUWeight=t 0']);
  assert.deepEqual(v2({ cpu: { idle: 1, shares: 1024 } }, 251), ['CPUWeight=t 100']);
  assert.deepEqual(v2({ blockIO: { weight: 10 } }), ['IOWeight=t 1']);
  assert.deepEqual(v2({ pids: { limit: 0 } }), ['TasksMax=t 1']);
  assert.deepEqual(v2({ pids: { limit: -1 } }), [`TasksMax=${INFINITY}`]);
});

test('resources as properties on v1', () => {
  assert.deepEqual(v1({ memory: { limit: 1024 }, cpu: { shares: 7 }, blockIO: { weight: 100 } }), [
    'MemoryLimit=t 1024',
    'CPUShares=t 7',
    'BlockIOWeight=t 100',
  ]);
});

test('files of the unified hierarchy as properties', () => {
  const unified = {
    'cpu.max': '5000 10000',
    'cpu.weight': '20',
    'cpuset.cpus': '1',
    'memory.high': 'max',
    'memory.min': '5',
    'pids.max': '0',
    'io.max': '8:0 rbps=1',
  };
  assert.deepEqual(v2({ unified }), [
    'CPUQuotaPeriodUSec=t 10000',
    'CPUQuotaPerSecUSec=t 500000',
    'CPUWeight=t 20',
    'AllowedCPUs=[y 2]',
    `MemoryHigh=${INFINITY}`,
    'MemoryMin=t 5',
    'TasksMax=t 1',
  ]);
  assert.deepEqual(v2({ unified: { 'cpu.idle': '1', 'cpu.weight': '5' } }), ['CPUWeight=t 0']);
  assert.deepEqual(v2({ unified: { 'cpu.max': 'max' } }), [`CPUQuotaPerSecUSec=${INFINITY}`]);
  assert.throws(
    () => v2({ unified: { 'memory.max': '5k' } }),
    /unified resource "memory.max": "5k" is neither a number nor max/,
  );
  assert.throws(() => v2({ unified: { 'cpu.max': '1 2 3' } }), /"cpu.max" value invalid/);
});

test('quotas are rounded up to whole percents, and the file has the same quota as systemd', () => {
  assert.deepEqual(cpuQuota({ quota: 33_333, period: 100_000 }, 252).quota, 34_000n);
  assert.deepEqual(shown(cpuQuota({ quota: 33_333, period: 100_000 }, 252).properties), [
    'CPUQuotaPeriodUSec=t 100000',
    'CPUQuotaPerSecUSec=t 340000',
  ]);
  assert.deepEqual(shown(cpuQuota({ quota: 50_000 }, 241).properties), ['CPUQuotaPerSecUSec=t 500000']);
  assert.deepEqual(shown(cpuQuota({ quota: -1 }, 252).properties), [`CPUQuotaPerSecUSec=${INFINITY}`]);
  assert.deepEqual(cpuQuota({}, 252), { properties: [], quota: undefined });
});

test('lists of CPUs become masks', () => {
  assert.deepEqual(bitsOf('0', 'x'), [1]);
  assert.deepEqual(bitsOf(' 8-9, 16,', 'x'), [0, 3, 1]);
  for (const bad of ['', ',', '3-1', 'a', '1-', '99999']) assert.throws(() => bitsOf(bad, 'cpus'), /cpus: /);
});

test('device rules as properties', () => {
  const of = (rules: readonly DeviceRule[]) => shown(deviceProperties(policyOf(containerRules([...rules]))));
  assert.deepEqual(of([{ allow: true, access: 'rwm' }]), ['DeviceAllow=[]', 'DevicePolicy="auto"']);
  const [first, second, third = ''] = of([{ allow: true, type: 'b', major: 8, minor: 1, access: 'r' }]);
  assert.deepEqual([first, second], ['DeviceAllow=[]', 'DevicePolicy="strict"']);
  for (const entry of [
    '("char-*", "m")',
    '("block-*", "m")',
    '("/dev/char/1:3", "rwm")',
    '("char-136", "rwm")',
    '("/dev/block/8:1", "r")',
  ])
    assert.ok(third.includes(entry), entry);
  // A policy of everything with exceptions: systemd allows nothing until our own rules are there.
  assert.deepEqual(
    of([
      { allow: true, access: 'rwm' },
      { allow: false, type: 'b', major: 8, access: 'w' },
    ]),
    [first, second],
  );
});

test('annotations as properties', () => {
  const of = (name: string, value: string) =>
    shown(annotationProperties({ [`org.systemd.property.${name}`]: value, other: 'x' }));
  assert.deepEqual(of('CollectMode', "'inactive-or-failed'"), ['CollectMode="inactive-or-failed"']);
  assert.deepEqual(of('TimeoutStopUSec', 'uint64 123456789'), ['TimeoutStopUSec=t 123456789']);
  assert.deepEqual(of('TimeoutStopSec', '30'), ['TimeoutStopUSec=t 30000000']);
  assert.deepEqual(of('TimeoutStopSec', '1.5'), ['TimeoutStopUSec=t 1500000']);
  assert.deepEqual(of('Sec', "'a'").length, 1);
  assert.deepEqual(of('SendSIGHUP', 'true'), ['SendSIGHUP=true']);
  assert.deepEqual(of('After', "[\"a.service\", 'b\\'s']"), ['After=["a.service", "b\'s"]']);
  assert.deepEqual(of('After', '@as []'), ['After=[]']);
  assert.deepEqual(of('Numbers', '[uint32 1, 2]'), ['Numbers=[u 1, u 2]']);
  assert.deepEqual(of('Number', '-5'), ['Number=i -5']);
  for (const [name, value, reason] of [
    ['ab', '1', 'name incorrect'],
    ['Ab_c', '1', 'name incorrect'],
    ['Abc', '', 'a value is missing'],
    ['Abc', '1 2', '"2" is one too many'],
    ['Abc', "'x", 'quotation|no value'],
    ['Abc', '[]', 'an empty list needs its type'],
    ['Abc', 'byte 256', 'does not fit type y'],
    ['Abc', 'x', '"x" is no value'],
    ['AbcSec', "'x'", 'not a number'],
    ['Abc', '[1 2]', 'a comma is missing'],
    ['Abc', '[1', 'a value is missing|comma'],
  ] as const)
    assert.throws(() => of(name, value), new RegExp(`annotation org\\.systemd\\.property\\.${name}.*(${reason})`));
});

const RECORD: CgroupRecord = { layout: 'v2', driver: 'systemd', unit: 'runc-c1.scope', paths: { unified: '/x' } };
const REQUEST: ScopeRequest = { id: 'c1', pid: 42, resources: { devices: [{ allow: true, access: 'rwm' }] } };

test('the properties of a scope', () => {
  assert.deepEqual(shown(scopeProperties(RECORD, REQUEST, 252)), [
    'Description="runchart container c1"',
    'Slice="system.slice"',
    'Delegate=true',
    'PIDs=[u 42]',
    'MemoryAccounting=true',
    'CPUAccounting=true',
    'IOAccounting=true',
    'TasksAccounting=true',
    'DefaultDependencies=false',
    'DeviceAllow=[]',
    'DevicePolicy="auto"',
  ]);
  const rest = shown(
    scopeProperties(
      { ...RECORD, layout: 'v1' },
      { ...REQUEST, cgroupsPath: 'a.slice:x:b.slice', annotations: { 'org.systemd.property.Foo': '1' } },
      252,
    ),
  );
  assert.ok(rest.includes('Wants=["a.slice"]') && rest.includes('BlockIOAccounting=true') && rest.includes('Foo=i 1'));
  assert.ok(!rest.some((one) => one.startsWith('Delegate')));
  const resources = { unified: { 'memory.oom.group': '1' } };
  assert.ok(shown(scopeProperties(RECORD, { ...REQUEST, resources }, 253)).includes('OOMPolicy="kill"'));
  assert.ok(shown(scopeProperties(RECORD, { ...REQUEST, rootless: true }, 252)).includes('Slice="user.slice"'));
});
