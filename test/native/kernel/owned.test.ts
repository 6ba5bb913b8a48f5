import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { close, openat } from '../../../native/calls/files.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { type Kernel, LostPeerError } from '../../../native/kernel/kernel.ts';
import { Owned, OwnedStack, opened } from '../../../native/kernel/owned.ts';
import { call, SyscallError } from '../../../native/kernel/perform.ts';

const { local } = hostPlatform();
const openNull = () => opened(local, openat(AT.FDCWD, '/dev/null', O.RDONLY));
const isOpen = (fd: number): boolean => existsSync(`/proc/self/fd/${fd}`);

it('an owned descriptor is closed where its block ends', () => {
  let fd: number;
  {
    using file = openNull();
    fd = file.fd;
    assert.ok(isOpen(fd));
  }
  assert.ok(!isOpen(fd));
});

it('it is closed where the block ends by an error', () => {
  let fd = -1;
  assert.throws(() => {
    using file = openNull();
    fd = file.fd;
    throw new Error('half-way');
  }, /half-way/);
  assert.ok(fd >= 0 && !isOpen(fd));
});

it('one that was handed on stays open', () => {
  const open = () => {
    using file = openNull();
    return file.release();
  };
  const fd = open();
  assert.ok(isOpen(fd));
  call(local, close(fd));
});

it('a stack closes what it owns, the last one first, but not what was handed on', () => {
  const files = [openNull(), openNull(), openNull()];
  const closed: unknown[] = [];
  const watched: Kernel = {
    performer: 'runtime',
    submit(calls) {
      closed.push(...calls.flatMap(({ args }) => args));
      return local.submit(calls);
    },
  };
  const [first, second, third] = files.map((file) => new Owned(watched, file.release()));
  if (!first || !second || !third) throw new TypeError('three files');
  {
    using stack = new OwnedStack();
    for (const one of [first, second, third]) assert.equal(stack.use(one), one);
    second.release();
  }
  assert.deepEqual(closed, [third.fd, first.fd]);
  call(local, close(second.fd));
});

it('nothing is owned where the call fails', () => {
  assert.throws(() => opened(local, openat(AT.FDCWD, '/there is none', O.RDONLY)), SyscallError);
});

it('the loss of its performer comes out as it is', () => {
  const lost: Kernel = {
    performer: 'init',
    submit() {
      throw new LostPeerError('init');
    },
  };
  const use = () => {
    using file = new Owned(lost, 3);
    call(lost, close(file.fd));
  };
  assert.throws(use, LostPeerError);
});
