import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../../../../effects/namespaces/net-devices/links.ts';
import { ifaddrmsg, netlinkMessages, netlinkRequest } from '../../../../native/calls/netlink.ts';
import { IFA, IFA_F, RTM } from '../../../../native/constants/netlink.ts';
import { u32s, viewOf } from '../../../../native/kernel/struct.ts';

test('only permanent addresses of global scope move with a device, with those flags that last', () => {
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
  assert.equal(addressOf(body(253, IFA_F.PERMANENT), 7), undefined, 'of link scope');
  assert.equal(addressOf(body(0, 0), 7), undefined, 'not permanent');
  assert.equal(addressOf(body(0, IFA_F.PERMANENT, 8), 7), undefined, 'of another device');
});
