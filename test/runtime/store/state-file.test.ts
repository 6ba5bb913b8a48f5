/** state.json: what was written is read back, and anything else is refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PERSISTED_STATES } from '../../../machines/status.ts';
import { isStoreError, StoreError } from '../../../runtime/store/error.ts';
import { decodeState, encodeState, salvageState } from '../../../runtime/store/state-file.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import { newRecord } from '../../machines/world.ts';

const full: ContainerRecord = {
  ...newRecord({ poststop: [{ path: '/hook' }] }),
  annotations: { 'org.example': 'é\u0000\n' },
  cgroup: { layout: 'v1', driver: 'fs', paths: { memory: '/sys/fs/cgroup/memory/c1' } },
  resctrl: { root: '/rdt', path: '/rdt/c1', made: true, owned: true, monitor: '/rdt/c1/mon_groups/c1' },
  init: { pid: 42, startTime: '18446744073709551615' },
  begun: ['cgroup', 'namespaces'],
  leftovers: ['cgroup'],
};

const decode = (text: string) => decodeState(text, '/run/runchart', 'c1');

test('every state comes back as it was', () => {
  for (const state of PERSISTED_STATES) {
    const { record, ...stored } = decode(encodeState({ state, record: full }));
    assert.deepEqual(stored, { state });
    const reached = state === 'created' || state === 'running' ? state : 'creating';
    assert.deepEqual(record, { ...full, reached });
  }
});

test('integers too large for a number come back as they were', () => {
  const config = {
    ociVersion: '1.3.0',
    linux: { resources: { memory: { limit: 9223372036854775807n } } },
  };
  const text = encodeState({ state: 'created', record: { ...full, config } });
  assert.match(text, /^\{"runchart":1,"wideIntegers":true,"snapshot":/);
  assert.deepEqual(decode(text).record.config, config);
});

test('the version is the first member', () => {
  assert.match(
    encodeState({ state: 'created', record: full }),
    /^\{"runchart":1,"snapshot":\{"status":"active","value":\{"created":"idle"\}/,
  );
});

test('the state root is the one where the file was found', () => {
  const text = encodeState({ state: 'created', record: full });
  assert.equal(decodeState(text, '/moved', 'c1').record.root, '/moved');
});

const valid = JSON.parse(encodeState({ state: 'created', record: full }));
const withContext = (change: object) => ({
  ...valid,
  snapshot: { ...valid.snapshot, context: { ...valid.snapshot.context, ...change } },
});

const DAMAGED: readonly [what: string, text: string, reason: RegExp][] = [
  ['nothing', '', /not valid JSON/],
  ['half a file', JSON.stringify(valid).slice(0, 300), /not valid JSON/],
  ['null', 'null', /not written by runchart/],
  ['a list', '[]', /not written by runchart/],
  [
    "runc's",
    '{"id":"c1","init_process_pid":42,"init_process_start":7,"created":"2026","config":{}}',
    /not written by runchart/,
  ],
  ['a later version', JSON.stringify({ ...valid, runchart: 2 }), /version 2, and this runchart reads 1/],
  ['no snapshot', '{"runchart":1}', /names no state/],
  [
    'a state in passing',
    JSON.stringify({ ...valid, snapshot: { ...valid.snapshot, value: 'starting' } }),
    /names no state/,
  ],
  [
    'two states',
    JSON.stringify({ ...valid, snapshot: { ...valid.snapshot, value: { created: 'idle', running: 'idle' } } }),
    /names no state/,
  ],
  ['another container', JSON.stringify(withContext({ id: 'c2' })), /is of container c2/],
  ['no config', JSON.stringify(withContext({ config: undefined })), /config is missing/],
  ['no process', JSON.stringify(withContext({ init: { pid: 0, startTime: '1' } })), /init is no process/],
  ['every process', JSON.stringify(withContext({ init: { pid: -1, startTime: '1' } })), /init is no process/],
  ['no start time', JSON.stringify(withContext({ init: { pid: 42, startTime: 7 } })), /init is no process/],
  [
    'a relative cgroup',
    JSON.stringify(withContext({ cgroup: { ...full.cgroup, paths: { memory: 'c1' } } })),
    /cgroup is no cgroup/,
  ],
  [
    'a way out',
    JSON.stringify(withContext({ cgroup: { ...full.cgroup, paths: { memory: '/sys/fs/cgroup/x/../..' } } })),
    /cgroup is no cgroup/,
  ],
  [
    'a way out of resctrl',
    JSON.stringify(withContext({ resctrl: { ...full.resctrl, path: '/sys/fs/resctrl/../x' } })),
    /resctrl is no group/,
  ],
  ['a prototype', '{"__proto__":{"runchart":1}}', /not written by runchart/],
];

for (const [what, text, reason] of DAMAGED)
  test(`damaged: ${what}`, () => {
    assert.throws(
      () => decode(text),
      (error) => {
        assert.ok(isStoreError(error, 'damaged'));
        assert.match(
          error.message,
          /^the state of container c1 is damaged: [^\n]+ \(delete --force removes what can be found\)$/,
        );
        assert.match(error.message, reason);
        return true;
      },
    );
    // `delete --force` uses the init and the cgroup in it, as far as they make sense.
    const { state, record } = salvageState(text, '/run/runchart', 'c1');
    assert.equal(state, 'unfinished');
    assert.deepEqual(decode(encodeState({ state, record })), { state, record });
  });

test('the init and the cgroup are salvaged from a damaged file, and from one of runc', () => {
  const ours = salvageState(JSON.stringify(withContext({ config: undefined })), '/run/runchart', 'c1').record;
  assert.deepEqual([ours.init, ours.cgroup, ours.resctrl], [full.init, full.cgroup, full.resctrl]);
  const runc = { init_process_pid: 42, init_process_start: 7, cgroup_paths: { memory: '/sys/fs/cgroup/memory/c1' } };
  const theirs = salvageState(JSON.stringify(runc), '/run/runc', 'c1').record;
  assert.deepEqual(theirs.init, { pid: 42, startTime: '7' });
  assert.deepEqual(theirs.cgroup, { layout: 'v1', driver: 'fs', paths: { memory: '/sys/fs/cgroup/memory/c1' } });
  const v2 = salvageState(JSON.stringify({ cgroup_paths: { '': '/sys/fs/cgroup/c1' } }), '/run/runc', 'c1').record;
  assert.deepEqual(v2.cgroup?.paths, { unified: '/sys/fs/cgroup/c1' });
  assert.equal(v2.init, undefined);
  const nothing = salvageState('{', '/run/runchart', 'c1', full.cgroup).record;
  assert.deepEqual(nothing.cgroup, full.cgroup);
});

test('whatever the bytes are, reading them gives a state or an error of one line', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((inner) => `{"runchart":1,"snapshot":{"value":{"created":"idle"},"context":${inner}}}`),
    fc.tuple(fc.nat(), fc.string({ unit: 'binary', maxLength: 4 })).map(([at, bytes]) => {
      const text = JSON.stringify(valid);
      const cut = at % text.length;
      return text.slice(0, cut) + bytes + text.slice(cut + bytes.length);
    }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        decode(text);
      } catch (error) {
        assert.ok(error instanceof StoreError && error.problem === 'damaged', String(error));
        assert.doesNotMatch(error.message, /\n/);
      }
      salvageState(text, '/run/runchart', 'c1');
    }),
    { numRuns: 1000 },
  );
});
