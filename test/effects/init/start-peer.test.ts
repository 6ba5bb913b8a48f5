/** Whom a waiting init serves depends on the user namespace that it is in. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { startPeer } from '../../../effects/init/start-peer.ts';
import { hostId, insideId } from '../../../effects/namespaces/user/mappings.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import type { IDMapping, Namespace } from '../../../spec/types.ts';
import { aRecord } from '../hooks/record.ts';

const local = localKernel(loadLibc());

function made(owner: number, namespaces: Namespace[], uidMappings: IDMapping[] = []): ContainerRecord {
  const record = aRecord({});
  return {
    ...record,
    owner,
    config: { ...record.config, linux: { namespaces, uidMappings, gidMappings: uidMappings } },
  };
}

describe('an init that waits for start serves', () => {
  it('its maker by his uid, where it is in his user namespace', () => {
    assert.deepEqual(startPeer(local, made(0, [{ type: 'pid' }]), 1), { uid: 0 });
    assert.deepEqual(startPeer(local, made(1000, []), 1), { uid: 1000 });
  });

  it('its maker by the uid that he has inside, where he is mapped', () => {
    const user: Namespace[] = [{ type: 'user' }];
    assert.deepEqual(startPeer(local, made(1000, user, [{ containerID: 0, hostID: 1000, size: 1 }]), 1), { uid: 0 });
    const kept = [
      { containerID: 0, hostID: 100_000, size: 1000 },
      { containerID: 1000, hostID: 1000, size: 1 },
    ];
    assert.deepEqual(startPeer(local, made(1000, user, kept), 1), { uid: 1000 });
  });

  it('its own uid, where its maker is not mapped: he connects as that', () => {
    const mappings = [{ containerID: 0, hostID: 300_000, size: 1000 }];
    assert.deepEqual(startPeer(local, made(0, [{ type: 'user' }], mappings), 1), { uid: 0, connectAs: 300_000 });
  });

  it('its maker by the uid that the kernel’s mappings give him, in a namespace that is joined', () => {
    const joined: Namespace[] = [{ type: 'user', path: '/proc/self/ns/user' }];
    assert.deepEqual(startPeer(local, made(4242, joined), process.pid), { uid: 4242 });
  });

  it('nobody else: an id goes inside and out again', () => {
    const mappings = fc.array(
      fc.record({ containerID: fc.nat(5000), hostID: fc.nat(5000), size: fc.integer({ min: 1, max: 100 }) }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(mappings, fc.nat(6000), (some, id) => {
        const valid = disjoint(some);
        const inside = insideId(valid, id);
        if (inside === undefined) assert.ok(valid.every(({ hostID, size }) => id < hostID || id >= hostID + size));
        else assert.equal(hostId(valid, inside), id);
      }),
    );
  });
});

/** The kernel demands that no id is mapped twice, on either side. */
const disjoint = (mappings: readonly IDMapping[]): readonly IDMapping[] =>
  mappings.filter((one, i) => mappings.slice(0, i).every((other) => apart(one, other)));

const apart = (one: IDMapping, other: IDMapping): boolean =>
  (['containerID', 'hostID'] as const).every(
    (side) => one[side] + one.size <= other[side] || other[side] + other.size <= one[side],
  );
