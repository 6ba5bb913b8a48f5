import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOf } from '../../../effects/namespaces/net-devices/links.ts';
import { freeIndex } from '../../../effects/namespaces/net-devices/move.ts';
import { attributesOf, ifaddrmsg, netlinkMessages, netlinkRequest } from '../../../native/calls/netlink.ts';
import { IFA, IFA_F, RTM } from '../../../native/constants/netlink.ts';
import { u32s, viewOf } from '../../../native/kernel/struct.ts';

const attribute = fc.record(
  { type: fc.integer({ min: 1, max: 60 }), data: fc.uint8Array({ maxLength: 40 }) },
  { noNullPrototype: true },
);
const attributes = fc.uniqueArray(attribute, { selector: ({ type }) => type, maxLength: 8 });

test('what is written is read again, however many messages a datagram has', () => {
  fc.assert(
    fc.property(fc.array(attributes, { maxLength: 4 }), (requests) => {
      const written = requests.map((one) => netlinkRequest(RTM.NEWADDR, 0, ifaddrmsg(2, 24, 7), one));
      const read = netlinkMessages(new Uint8Array(written.flatMap((one) => [...one])));
      assert.deepEqual(
        read.map(({ body }) =>
          [...attributesOf(body, 8)].map(([type, data]) => ({ type, data: new Uint8Array(data) })),
        ),
        requests,
      );
    }),
  );
});

test('bytes of whatever kind are read without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const { body } of netlinkMessages(bytes)) if (body.length >= 8) attributesOf(body, 8);
    }),
  );
});

test('only permanent addresses of global scope go along, with the flags that are theirs', () => {
  const body = (scope: number, flags: number, index = 7): Uint8Array => {
    const fixed = ifaddrmsg(2, 24, index);
    viewOf(fixed).setUint8(3, scope);
    const given = [
      { type: IFA.LOCAL, data: new Uint8Array([10, 0, 0, 2]) },
      { type: 3, data: new Uint8Array([0x61, 0]) },
      { type: IFA.FLAGS, data: u32s(flags) },
    ];
    return netlinkMessages(netlinkRequest(RTM.NEWADDR, 0, fixed, given))[0]?.body ?? new Uint8Array();
  };
  const kept = addressOf(body(0, IFA_F.PERMANENT | IFA_F.NOPREFIXROUTE | 0x40), 7);
  assert.deepEqual(kept, {
    family: 2,
    prefix: 24,
    attributes: [
      { type: IFA.LOCAL, data: new Uint8Array([10, 0, 0, 2]) },
      { type: IFA.FLAGS, data: u32s(IFA_F.NOPREFIXROUTE) },
    ],
  });
  assert.equal(addressOf(body(253, IFA_F.PERMANENT), 7), undefined, 'of the link alone');
  assert.equal(addressOf(body(0, 0), 7), undefined, 'one that ends');
  assert.equal(addressOf(body(0, IFA_F.PERMANENT, 8), 7), undefined, 'of another device');
});

test('a device keeps its index where that is free', () => {
  assert.equal(freeIndex([1, 2], 7), 7);
  assert.equal(freeIndex([1, 7, 3], 7), 8);
});
