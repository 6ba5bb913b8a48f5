/** The bindings to sd-bus, tried with a real bus. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Bus, BusError } from '../../../../native/libraries/bus/bus.ts';
import { connectBus } from '../../../../native/libraries/bus/sd-bus.ts';
import { type BusValue, fromBytes, signatureOf, toBytes } from '../../../../native/libraries/bus/values.ts';
import { loadLibc } from '../../../../native/libraries/libc.ts';
import { noBus, type PrivateBus, startBus } from './daemon.ts';

const libc = loadLibc();
const DBUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
const str = (value: string): BusValue => ({ type: 's', value });

let daemon: PrivateBus;
let bus: Bus;
before(async () => {
  if (noBus) return;
  daemon = await startBus();
  bus = connectBus(libc, daemon);
});
after(async () => {
  if (noBus) return;
  // The daemon must end even if the first step fails: it would keep this process from ending.
  try {
    bus.close();
  } finally {
    await daemon.stop();
  }
});

test('signatures and memory', () => {
  const value: BusValue = {
    type: 'a',
    of: '(sv)',
    items: [{ type: 'r', fields: [str('x'), { type: 'v', value: { type: 't', value: 1 } }] }],
  };
  assert.equal(signatureOf(value), 'a(sv)');
  assert.equal(signatureOf({ type: 'r', fields: [str(''), value] }), '(sa(sv))');
  for (const [type, number] of [
    ['y', 255],
    ['n', -2],
    ['q', 65_535],
    ['i', -5],
    ['u', 4_294_967_295],
    ['x', -7n],
    ['t', 2n ** 64n - 1n],
  ] as const)
    assert.equal(fromBytes(type, toBytes({ type, value: number })), number);
  assert.equal(fromBytes('d', toBytes({ type: 'd', value: 1.5 })), 1.5);
  assert.equal(fromBytes('b', toBytes({ type: 'b', value: true })), true);
});

test('calls, with arguments and answers', { skip: noBus }, () => {
  const name = 'org.runchart.Test';
  assert.deepEqual(bus.call(DBUS, 'RequestName', [str(name), { type: 'u', value: 0 }], 'u'), [1]);
  assert.deepEqual(bus.call(DBUS, 'NameHasOwner', [str(name)], 'b'), [true]);
  const [id] = bus.call(DBUS, 'GetId', [], 's');
  assert.match(String(id), /^[0-9a-f]{32}$/);
});

test('errors by their name', { skip: noBus }, () => {
  assert.throws(
    () => bus.call(DBUS, 'NoSuchMethod', []),
    (error) => {
      assert.ok(error instanceof BusError);
      assert.equal(error.bus, 'org.freedesktop.DBus.Error.UnknownMethod');
      assert.match(error.message, /^org\.freedesktop\.DBus\.NoSuchMethod: .*UnknownMethod\)$/);
      return true;
    },
  );
  assert.throws(() => bus.stringProperty(DBUS, 'NoSuchProperty'), BusError);
});

test('signals, those of before included', { skip: noBus }, () => {
  bus.match("type='signal',interface='org.freedesktop.DBus',member='NameOwnerChanged'");
  for (const name of ['org.runchart.A', 'org.runchart.B'])
    bus.call(DBUS, 'RequestName', [str(name), { type: 'u', value: 0 }]);
  const wait = (name: string, ms: number) =>
    bus.waitForSignal(DBUS, 'NameOwnerChanged', 'sss', (v) => v[0] === name, ms);
  assert.deepEqual(wait('org.runchart.B', 5000)?.slice(0, 2), ['org.runchart.B', '']);
  assert.equal(wait('org.runchart.C', 20), undefined);
});

test('a bus or a library that is not there', () => {
  assert.throws(
    () => connectBus(libc, { address: 'unix:path=/no/such/socket' }),
    /BusError: connect to D-Bus at unix:path=\/no\/such\/socket: ENOENT/,
  );
  assert.throws(
    () => connectBus(libc, { address: 'unix:path=/x' }, 'libnosuch.so.1'),
    /libnosuch\.so\.1 cannot be loaded: --systemd-cgroup needs it/,
  );
});
