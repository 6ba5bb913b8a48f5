/** A trace in the formats of other tools. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Line } from '../../../spec/watch/lines.ts';
import { chromeTrace } from '../../../watch/export/chrome.ts';
import { otlpTraces } from '../../../watch/export/otlp.ts';
import { spansOf } from '../../../watch/export/spans.ts';

const T = 1_795_509_069;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const call = (at: number, who: string, batch: number, name: string, seconds?: number, errno?: string): Line => ({
  type: 'call',
  at: T + at,
  run: 'r',
  who,
  pid: who === 'init' ? 99 : 7,
  batch,
  call: name,
  args: [],
  result: errno === undefined ? 0 : -1,
  ...(errno !== undefined && { errno }),
  ...(seconds !== undefined && { seconds }),
});
const state = (at: number, place: string): Line => ({
  type: 'state',
  at: T + at,
  run: 'r',
  id: 'c1',
  state: place,
  status: null,
});

const LINES: readonly Line[] = [
  {
    type: 'command',
    at: T,
    run: 'r',
    format: 1,
    version: '0.1.0',
    command: 'run',
    id: 'c1',
    pid: 7,
    root: '/r',
    traceparent: `00-${TRACE}-${PARENT}-01`,
  },
  state(0.001, 'absent'),
  state(0.002, 'creating.mounts'),
  call(0.003, 'runtime', 1, 'openat', 0.0005),
  call(0.004, 'init', 2, 'mount'),
  call(0.004, 'init', 2, 'umount2', 0.003, 'EINVAL'),
  // It was sent while the other one was under way.
  call(0.005, 'init', 3, 'execve', 0.004),
  { type: 'failure', at: T + 0.009, run: 'r', id: 'c1', during: 'mounts', message: 'mount: EPERM' },
  state(0.01, 'failed'),
  { type: 'end', at: T + 0.02, run: 'r', status: 1, error: 'it failed' },
];

describe('spans', () => {
  const [run] = spansOf(LINES);
  const spans = run?.spans ?? [];

  test('are the command, the states in which it works, and the batches', () => {
    assert.deepEqual(
      spans.map(({ kind, name, parent, who, pid }) => [kind, name, parent, who, pid]),
      [
        ['command', 'run c1', undefined, 'runtime', 7],
        ['state', 'creating.mounts', 0, 'runtime', 7],
        ['batch', 'openat', 1, 'runtime', 7],
        ['batch', 'mount +1', 1, 'init', 99],
        ['batch', 'execve', 1, 'init', 99],
      ],
    );
    assert.deepEqual([spans[0]?.error, spans[1]?.error], ['it failed', 'mount: EPERM']);
    assert.equal(spans[3]?.attributes['runchart.errno'], 'umount2 EINVAL');
  });

  test('do not overlap where one process performs them', () => {
    const [, , , first, second] = spans;
    assert.ok((first?.end ?? 0) <= (second?.start ?? 0));
    for (const { start, end } of spans) assert.ok(start <= end);
  });

  test('a run whose beginning is missing has none', () => {
    assert.deepEqual(spansOf(LINES.slice(1)), []);
    assert.equal(spansOf(LINES.slice(0, 1))[0]?.spans.length, 1);
  });
});

test('OTLP: ids and times as its JSON encoding wants them, below the caller’s span', () => {
  const { resourceSpans } = JSON.parse(otlpTraces(spansOf(LINES)));
  assert.deepEqual(resourceSpans[0].resource.attributes[0], {
    key: 'service.name',
    value: { stringValue: 'runchart' },
  });
  const { spans } = resourceSpans[0].scopeSpans[0];
  assert.equal(spans.length, 5);
  assert.equal(spans[0].parentSpanId, PARENT);
  const ids = new Set<string>();
  for (const { traceId, spanId, parentSpanId, startTimeUnixNano, endTimeUnixNano, kind } of spans) {
    assert.equal(traceId, TRACE);
    assert.match(spanId, /^[0-9a-f]{16}$/);
    assert.ok(parentSpanId === PARENT || ids.has(parentSpanId), 'a parent comes first');
    ids.add(spanId);
    assert.match(startTimeUnixNano, /^\d{19}$/);
    assert.ok(BigInt(startTimeUnixNano) <= BigInt(endTimeUnixNano));
    assert.equal(kind, 1);
  }
  assert.equal(ids.size, 5);
  assert.equal(spans[0].startTimeUnixNano, '1795509069000000000');
  assert.deepEqual(spans[0].status, { code: 2, message: 'it failed' });
  assert.deepEqual(spans[2].status, {});
  const without = LINES.map(({ ...line }) => ({ ...line, traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00` }));
  const [own] = JSON.parse(otlpTraces(spansOf(without as Line[]))).resourceSpans[0].scopeSpans[0].spans;
  assert.match(own.traceId, /^(?!0+$)[0-9a-f]{32}$/);
  assert.equal(own.parentSpanId, undefined);
});

test('Chrome: complete events in microseconds, which nest in each thread', () => {
  const { traceEvents } = JSON.parse(chromeTrace(spansOf(LINES)));
  const named = traceEvents.filter(({ ph }: { ph: string }) => ph === 'M');
  assert.ok(named.some(({ args }: { args: { name: string } }) => args.name === 'runchart run c1 (pid 7)'));
  const events: { tid: number; ts: number; dur: number; name: string }[] = traceEvents.filter(
    ({ ph }: { ph: string }) => ph === 'X',
  );
  assert.deepEqual(events[0] && [events[0].ts, events[0].dur, events[0].name], [0, 20_000, 'run c1']);
  for (const one of events)
    for (const other of events) {
      if (one === other || one.tid !== other.tid || other.ts < one.ts) continue;
      const apart = other.ts >= one.ts + one.dur;
      const inside = other.ts + other.dur <= one.ts + one.dur;
      assert.ok(apart || inside || other.ts === one.ts, `${one.name} and ${other.name}`);
    }
  assert.deepEqual(JSON.parse(chromeTrace([])).traceEvents, []);
});
