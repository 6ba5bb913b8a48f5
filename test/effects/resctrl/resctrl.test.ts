import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountedResctrl } from '../../../effects/resctrl/root.ts';
import { conflicts, schemataText } from '../../../effects/resctrl/schemata.ts';

test('schemata are written in the order that the specification demands', () => {
  assert.equal(schemataText({}), '');
  assert.equal(schemataText({ l3CacheSchema: '', memBwSchema: '', schemata: [] }), '');
  assert.equal(
    schemataText({ schemata: ['L2:0=1'], memBwSchema: 'MB:0=1', l3CacheSchema: 'L3:0=1' }),
    'L3:0=1\nMB:0=1\nL2:0=1\n',
  );
});

test('a group conflicts with a schema if a value differs', () => {
  const existing = '    MB:0= 20;1=100\n  L3:0=0ff;1=fffff\nL3CODE:0=1';
  for (const same of [{ l3CacheSchema: 'L3:1=fffff;0=ff' }, { memBwSchema: 'MB:00=20' }, { schemata: ['L3:0=1'] }, {}])
    assert.deepEqual(conflicts(existing, same), []);
  // Masks are hexadecimal and bandwidths are decimal. A domain that is not there differs from every value.
  for (const other of ['L3:0=f', 'L3:2=ff', 'L2:0=ff'])
    assert.deepEqual(conflicts(existing, { l3CacheSchema: other }), [other]);
  assert.deepEqual(conflicts(existing, { memBwSchema: 'MB:1=256' }), ['MB:1=256']);
});

test('the file system is found by its type, wherever it is mounted', () => {
  const line = (point: string, type: string) => `30 20 0:5 / ${point} rw shared:1 - ${type} resctrl rw`;
  assert.equal(mountedResctrl(line('/sys/fs/resctrl', 'tmpfs')), undefined);
  assert.equal(
    mountedResctrl([line('/a', 'ext4'), line('/b\\040c', 'resctrl'), line('/d', 'resctrl')].join('\n')),
    '/b c',
  );
});
