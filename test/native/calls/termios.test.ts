/** The modes of a real terminal. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { after, test } from 'node:test';
import { openat } from '../../../native/calls/files.ts';
import {
  getTermios,
  getWindowSize,
  setTermios,
  setWindowSize,
  TERMIOS_BYTES,
  WINSIZE_BYTES,
} from '../../../native/calls/terminal.ts';
import { hasSize, rawInput, withoutCarriageReturns } from '../../../native/calls/termios.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { TIOC } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { attempt, call, perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';

const { local } = hostPlatform();
const master = call(local, openat(AT.FDCWD, '/dev/ptmx', O.RDWR | O.NOCTTY));
perform(local, [{ name: 'ioctl', args: [master, TIOC.SPTLCK, new Uint8Array(4)] }]);
const terminal = call(local, { name: 'ioctl', args: [master, TIOC.GPTPEER, O.RDWR | O.NOCTTY] });
after(() => {
  for (const fd of [master, terminal]) closeSync(fd);
});

const stty = (...args: string[]) =>
  execFileSync('stty', args, { encoding: 'utf8', stdio: [terminal, 'pipe', 'inherit'] });

function modes(): Uint8Array {
  const termios = out(TERMIOS_BYTES);
  perform(local, [getTermios(terminal, termios)]);
  return termios.bytes;
}

test('raw input is what stty calls raw, with output as it was', () => {
  const before = modes();
  perform(local, [setTermios(terminal, rawInput(before))]);
  const ours = stty('-a');
  perform(local, [setTermios(terminal, before)]);
  stty('raw', '-echo', '-echonl', '-iexten', 'opost');
  // stty leaves alone the modes that concern only the line and its other end.
  stty('-parmrk', '-istrip', '-inlcr', '-igncr', '-icrnl', '-ixon', '-parenb', 'cs8');
  assert.equal(
    ours.replace(/-(ixany|imaxbel|iuclc|xcase)/g, '$1'),
    stty('-a').replace(/-(ixany|imaxbel|iuclc|xcase)/g, '$1'),
  );
  perform(local, [setTermios(terminal, before)]);
  assert.deepEqual(modes(), before, 'and back');
});

test('newlines are left alone', () => {
  const before = modes();
  assert.match(stty('-a'), / onlcr/);
  perform(local, [setTermios(terminal, withoutCarriageReturns(before))]);
  assert.match(stty('-a'), / -onlcr/);
  stty('onlcr');
  assert.deepEqual(modes(), before, 'nothing else has changed');
});

test('sizes', () => {
  const size = out(WINSIZE_BYTES);
  perform(local, [getWindowSize(terminal, size)]);
  assert.equal(hasSize(size.bytes), false);
  const given = new Uint8Array(WINSIZE_BYTES);
  viewOf(given).setUint16(0, 33, true);
  viewOf(given).setUint16(2, 99, true);
  perform(local, [setWindowSize(master, given)]);
  assert.equal(stty('size'), '33 99\n');
  assert.equal(hasSize(given), true);
});

test('what is no terminal says so', () => {
  const file = call(local, openat(AT.FDCWD, '/dev/null', O.RDWR));
  assert.equal(attempt(local, getTermios(file, out(TERMIOS_BYTES))), -25);
  closeSync(file);
});
