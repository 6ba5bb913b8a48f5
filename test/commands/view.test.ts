import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goJson, stateOf, table } from '../../commands/view.ts';
import type { ContainerRecord } from '../../spec/record.ts';

const RECORD: ContainerRecord = {
  id: 'c1',
  bundle: '/b',
  root: '/run/runchart',
  ociVersion: '1.0.2',
  rootfs: '/b/rootfs',
  created: '2026-11-24T08:38:05.26Z',
  owner: 0,
  annotations: {},
  config: { ociVersion: '1.0.2' },
  options: { noPivot: false, noNewKeyring: false, systemdCgroup: false, preserveFds: 0 },
  init: { pid: 42, startTime: '1' },
  begun: [],
  reached: 'running',
  leftovers: [],
};

describe('stateOf', () => {
  it("has runc's members in runc's order", () => {
    const annotations = { b: '2', a: '1' };
    assert.equal(
      JSON.stringify(stateOf({ status: 'running', record: { ...RECORD, annotations } }, 'root')),
      '{"ociVersion":"1.3.0","id":"c1","pid":42,"status":"running","bundle":"/b","rootfs":"/b/rootfs",' +
        '"created":"2026-11-24T08:38:05.26Z","annotations":{"a":"1","b":"2"},"owner":"root"}',
    );
  });

  it('leaves out annotations where there are none, and the pid of what has stopped', () => {
    const state = stateOf({ status: 'stopped', record: RECORD }, '');
    assert.equal(state.pid, 0);
    assert.equal('annotations' in state, false);
  });
});

describe('table', () => {
  it("has runc's header where there is no container", () => {
    assert.equal(table([]), 'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n');
  });

  it('widens a column for what is in it, and does not fill up the last one', () => {
    const state = stateOf({ status: 'running', record: { ...RECORD, id: 'a-long-name-of-one' } }, 'root');
    assert.equal(
      table([state]),
      'ID                   PID         STATUS      BUNDLE      CREATED                   OWNER\n' +
        'a-long-name-of-one   42          running     /b          2026-11-24T08:38:05.26Z   root\n',
    );
  });
});

describe('goJson', () => {
  it('escapes what Go escapes', () => {
    assert.equal(goJson('<a & b>\u2028é'), '"\\u003ca \\u0026 b\\u003e\\u2028é"');
    assert.equal(goJson({ a: 1 }, 2), '{\n  "a": 1\n}');
  });
});
