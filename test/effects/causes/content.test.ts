/** What is read from files of an image: it is hostile, and any bytes may come. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HEADER_BYTES, isElf, machineName, readElf } from '../../../effects/causes/elf.ts';
import { readScript } from '../../../effects/causes/script.ts';
import { shown } from '../../../effects/causes/shown.ts';
import { elf, OTHER_MACHINE, OWN_MACHINE } from '../../integration/errors/elf.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('an ELF header', () => {
  it('tells the machine, and where the interpreter is named', () => {
    const file = elf(OWN_MACHINE, '/lib/ld.so');
    const found = readElf(file);
    assert.deepEqual(found, {
      bits: 64,
      bigEndian: false,
      machine: OWN_MACHINE,
      interpreter: { offset: 120, size: 11 },
    });
    assert.equal(file.toString('latin1', 120, 130), '/lib/ld.so');
    assert.equal(readElf(elf(OTHER_MACHINE))?.interpreter, undefined);
  });

  it('that is cut off, or lies, is refused or read as far as it goes', () => {
    const file = elf(OWN_MACHINE, '/lib/ld.so');
    for (let length = 0; length < file.length; length++) assert.doesNotThrow(() => readElf(file.subarray(0, length)));
    assert.equal(readElf(file.subarray(0, 60)), undefined);
    for (let offset = 4; offset < 120; offset++)
      for (const value of [0, 1, 0x7f, 0xff]) {
        const damaged = Buffer.from(file);
        damaged[offset] = value;
        const found = readElf(damaged);
        assert.ok((found?.interpreter?.size ?? 0) <= 4096, `${offset}: ${value}`);
      }
  });

  it('of any bytes is read without an error', () => {
    for (let seed = 1; seed < 2000; seed++) {
      let state = seed;
      const noise = Uint8Array.from({ length: 200 }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
        return state >> 16;
      });
      noise.set([0x7f, 0x45, 0x4c, 0x46, 1 + (seed & 1), 1 + ((seed >> 1) & 1)]);
      assert.equal(isElf(noise), true);
      assert.doesNotThrow(() => readElf(noise));
    }
    assert.equal(readElf(new Uint8Array(HEADER_BYTES)), undefined);
  });

  it('names machines as people do', () => {
    const of = (machine: number, bits: 32 | 64 = 64, bigEndian = false) => machineName({ machine, bits, bigEndian });
    assert.deepEqual(
      [of(62), of(183), of(3, 32), of(62, 32), of(21), of(21, 64, true), of(999)],
      ['x86_64', 'arm64', '32-bit x86', 'x32', 'ppc64le', 'ppc64', 'machine 999'],
    );
  });
});

describe("a script's first line", () => {
  it('names its interpreter', () => {
    const of = (text: string) => readScript(bytes(text));
    assert.deepEqual(of('#!/bin/sh\necho'), { interpreter: '/bin/sh', carriageReturn: false, cut: false });
    assert.deepEqual(of('#! \t/usr/bin/env  python3 -u'), {
      interpreter: '/usr/bin/env',
      carriageReturn: false,
      cut: false,
    });
    assert.deepEqual(of('#!/bin/sh\r\n'), { interpreter: '/bin/sh\r', carriageReturn: true, cut: false });
    assert.deepEqual(of('#!\n'), { interpreter: '', carriageReturn: false, cut: false });
    assert.equal(of('echo'), undefined);
    assert.equal(of(''), undefined);
  });

  it('of a gigabyte is read as far as the kernel reads it', () => {
    const found = readScript(bytes(`#!/${'x'.repeat(HEADER_BYTES)}`));
    assert.equal(found?.cut, true);
    assert.ok((found?.interpreter.length ?? 0) <= 256);
  });
});

it('a name of an image neither ends the line nor colours the terminal', () => {
  assert.equal(shown('/bin/sh'), '/bin/sh');
  assert.equal(shown('/a b'), '"/a b"');
  assert.equal(shown('/\u001b[31mred\u009b\u202e\n'), '"/\\u001b[31mred\\u009b\\u202e\\n"');
  assert.ok(shown('x'.repeat(5000)).length < 300);
});
