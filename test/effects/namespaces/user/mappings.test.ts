import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkMappings, hostId, mappingsOf, mapText, parseMap } from '../../../../effects/namespaces/user/mappings.ts';
import { needsHostSide } from '../../../../effects/namespaces/user/needs-host-side.ts';
import type { ContainerRecord } from '../../../../spec/record.ts';
import type { Config, IDMapping, Mount } from '../../../../spec/types.ts';
import { aRecord } from '../../hooks/record.ts';

const id = fc.integer({ min: 0, max: 4_294_967_294 });

/** Ranges that do not overlap, neither inside nor outside, as the kernel demands. Their order does not matter. */
const mappings: fc.Arbitrary<IDMapping[]> = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 0, max: 1000 }),
      outerGap: fc.integer({ min: 0, max: 1000 }),
      size: fc.integer({ min: 1, max: 70_000 }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .chain((ranges) => {
    let [inner, outer] = [0, 100_000];
    const placed = ranges.map(({ gap, outerGap, size }) => {
      const one = { containerID: inner + gap, hostID: outer + outerGap, size };
      inner = one.containerID + size;
      outer = one.hostID + size;
      return one;
    });
    return fc.shuffledSubarray(placed, { minLength: placed.length });
  });

const config = (uid: IDMapping[], gid: IDMapping[], path?: string): Config => ({
  ociVersion: '1.3.0',
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'user', ...(path === undefined ? {} : { path }) }],
    uidMappings: uid,
    gidMappings: gid,
  },
});

test('what is written is read back as it was', () => {
  fc.assert(
    fc.property(mappings, (all) => {
      assert.deepEqual(parseMap(mapText(all)), all);
      // The kernel aligns its columns.
      const shown = all.map(({ containerID, hostID, size }) =>
        [containerID, hostID, size].map((n) => `${n}`.padStart(10)).join(' '),
      );
      assert.deepEqual(parseMap(`${shown.join('\n')}\n`), all);
    }),
  );
  assert.deepEqual(parseMap(''), []);
});

test('the id outside comes from the one range that has it, and ids that differ inside differ outside', () => {
  fc.assert(
    fc.property(
      mappings,
      fc.array(fc.oneof(id, fc.integer({ min: 0, max: 200_000 })), { maxLength: 50 }),
      (all, ids) => {
        const outside = new Map<number, number>();
        for (const one of ids) {
          const host = hostId(all, one);
          const having = all.filter(({ containerID, size }) => one >= containerID && one < containerID + size);
          assert.equal(host === undefined, having.length === 0);
          if (host === undefined) continue;
          const [range] = having;
          assert.equal(host - (range?.hostID ?? 0), one - (range?.containerID ?? 0));
          const before = outside.get(host);
          assert.ok(before === undefined || before === one);
          outside.set(host, one);
        }
      },
    ),
  );
  const one = [{ containerID: 5, hostID: 100, size: 1 }];
  assert.deepEqual(
    [4, 5, 6].map((inside) => hostId(one, inside)),
    [undefined, 100, undefined],
  );
});

test('a joined namespace has to have the mappings that the config gives beside its path', () => {
  fc.assert(
    fc.property(mappings, mappings, (uid, gid) => {
      const joined = config(uid, gid, '/proc/1/ns/user');
      assert.deepEqual(mappingsOf(joined), { uid, gid });
      checkMappings(joined, { uid, gid });
      checkMappings(config([], [], '/proc/1/ns/user'), { uid, gid });
      const other = uid.map((mapping) => ({ ...mapping, hostID: mapping.hostID + 1 }));
      const message = /both namespace path and non-matching mapping specified/;
      assert.throws(() => checkMappings(joined, { uid: other, gid }), message);
      assert.throws(() => checkMappings(joined, { uid, gid: [] }), message);
    }),
  );
});

test('the host’s side is needed for what the init may not do, and only if the runtime is root', () => {
  const one: IDMapping[] = [{ containerID: 0, hostID: 1000, size: 1 }];
  const bind: Mount = { destination: '/x', source: '/y', options: ['bind'] };
  const record = (document: Config, owner = 0): ContainerRecord => aRecord({}, { config: document, owner });
  const plain: Config = { ociVersion: '1.3.0', linux: { namespaces: [{ type: 'mount' }] } };
  assert.equal(needsHostSide(record(plain)), false);
  assert.equal(needsHostSide(record({ ...plain, mounts: [bind] })), false);
  assert.equal(needsHostSide(record({ ...plain, mounts: [{ ...bind, uidMappings: one, gidMappings: one }] })), true);
  for (const option of ['idmap', 'ridmap'])
    assert.equal(needsHostSide(record({ ...plain, mounts: [{ ...bind, options: ['bind', option] }] })), true);
  assert.equal(needsHostSide(record(config(one, one))), true);
  assert.equal(needsHostSide(record(config(one, one), 1000)), false);
});
