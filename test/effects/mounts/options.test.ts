import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMountOptions, unasked } from '../../../effects/mounts/options.ts';
import { MOUNT_ATTR, MS } from '../../../native/constants/mount.ts';
import { MOUNT_OPTIONS } from '../../../spec/mount-options.ts';

test('attributes, parameters and propagation are told apart', () => {
  const options = parseMountOptions(['nosuid', 'ro', 'size=64k', 'newinstance', 'rslave', 'mode=755']);
  assert.deepEqual(options.attributes, { set: MOUNT_ATTR.NOSUID | MOUNT_ATTR.RDONLY, clear: 0 });
  assert.deepEqual(options.parameters, [
    ['size', '64k'],
    ['newinstance', undefined],
    ['mode', '755'],
  ]);
  assert.deepEqual(options.propagation, [{ type: MS.SLAVE, recursive: true }]);
  assert.equal(options.bind, 'no');
});

test('of contradicting options the last one counts', () => {
  assert.deepEqual(parseMountOptions(['ro', 'rw']).attributes, { set: 0, clear: MOUNT_ATTR.RDONLY });
  assert.deepEqual(parseMountOptions(['rw', 'ro']).attributes, { set: MOUNT_ATTR.RDONLY, clear: 0 });
});

test('an access time mode clears the field it is set in', () => {
  assert.deepEqual(parseMountOptions(['noatime']).attributes, { set: MOUNT_ATTR.NOATIME, clear: MOUNT_ATTR.ATIME });
  assert.deepEqual(parseMountOptions(['noatime', 'strictatime']).attributes, {
    set: MOUNT_ATTR.STRICTATIME,
    clear: MOUNT_ATTR.ATIME,
  });
});

test('an option against an access time takes back an earlier one, and nothing else', () => {
  for (const options of [['atime'], ['diratime'], ['noatime', 'atime'], ['strictatime', 'nostrictatime']])
    assert.deepEqual(parseMountOptions(options).attributes, { set: 0, clear: 0 });
  const strict = { set: MOUNT_ATTR.STRICTATIME, clear: MOUNT_ATTR.ATIME };
  assert.deepEqual(parseMountOptions(['strictatime', 'atime', 'norelatime']).attributes, strict);
});

test('a bind that was once recursive stays so, as with flags of mount(2)', () => {
  const bind = (...options: readonly string[]) => parseMountOptions(options).bind;
  assert.deepEqual([bind('rbind', 'bind'), bind('bind', 'rbind'), bind('rbind', 'ro', 'bind')], Array(3).fill('rbind'));
  assert.deepEqual([bind('bind', 'bind'), bind('ro')], ['bind', 'no']);
});

test('options about symbolic links are told apart', () => {
  const none = { source: false, destination: false, copy: false };
  const links = (...options: readonly string[]) => parseMountOptions(['bind', ...options]).links;
  assert.deepEqual(links(), none);
  assert.deepEqual(links('src-nofollow'), { ...none, source: true });
  assert.deepEqual(links('dest-nofollow', 'src-nofollow'), { ...none, source: true, destination: true });
  assert.deepEqual(links('copy-symlink'), { ...none, copy: true });
});

test('all attributes are unasked that no option names; access times only if one of their options is given', () => {
  const { RDONLY, NOSUID, NODEV, NOEXEC, NOSYMFOLLOW, NODIRATIME, ATIME } = MOUNT_ATTR;
  const of = (...options: string[]) => unasked(parseMountOptions(options).attributes);
  assert.equal(of('ro', 'suid'), NODEV | NOEXEC | NOSYMFOLLOW);
  assert.equal(of('noatime', 'nosymfollow'), RDONLY | NOSUID | NODEV | NOEXEC | NODIRATIME);
  assert.equal(of('nodiratime', 'exec'), RDONLY | NOSUID | NODEV | NOSYMFOLLOW | ATIME);
});

test('the recursive forms act on what is mounted below', () => {
  const { attributes, recursive } = parseMountOptions(['rro', 'rnosuid']);
  assert.deepEqual(attributes, { set: 0, clear: 0 });
  assert.deepEqual(recursive, { set: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID, clear: 0 });
});

test('no option that is known reaches the file system, but for the flags of its superblock', () => {
  const known = Object.values(MOUNT_OPTIONS).flat();
  const superblock = ['sync', 'dirsync', 'lazytime', 'mand'];
  for (const option of known)
    assert.deepEqual(parseMountOptions([option]).parameters, superblock.includes(option) ? [[option, undefined]] : []);
});

test('no attribute is both set and cleared, except for the access time field', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...Object.values(MOUNT_OPTIONS).flat())), (options) => {
      const { attributes, recursive } = parseMountOptions(options);
      for (const { set, clear } of [attributes, recursive]) assert.equal(set & clear & ~MOUNT_ATTR.ATIME, 0);
    }),
  );
});
