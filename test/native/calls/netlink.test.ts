import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attributesOf, ifaddrmsg, netlinkMessages, netlinkRequest } from '../../../native/calls/netlink.ts';
import { RTM } from '../../../native/constants/netlink.ts';

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
