import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findProgram } from '../../build/compiler.ts';
import { alignFile, alignSegments, HUGE_PAGE } from '../../build/segments.ts';

describe('an executable laid out for huge pages', () => {
  let folder: string;
  let plain: string;
  let aligned: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
    plain = join(folder, 'plain');
    aligned = join(folder, 'aligned');
    const source = join(folder, 'program.c');
    writeFileSync(source, PROGRAM);
    // The address of its data agrees with no place in the file, as some linkers lay it out to save the gap of a page.
    execFileSync('gcc', ['-no-pie', '-Wl,-z,max-page-size=4096,-Tdata=0x733000', source, '-o', plain]);
    alignFile(plain, aligned);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('runs as before', () => {
    const run = (path: string) => spawnSync(path, ['a', 'b'], { encoding: 'utf8' });
    assert.equal(run(plain).stdout, 'constant changed 3\n');
    assert.equal(run(aligned).stdout, run(plain).stdout);
    assert.equal(run(aligned).status, 7);
  });

  it('has each segment where its address wants it', () => {
    const apart = (path: string) =>
      loaded(readFileSync(path)).map(({ offset, address }) => (address - offset) % HUGE_PAGE);
    assert.ok(apart(plain).some((distance) => distance !== 0));
    assert.ok(apart(aligned).every((distance) => distance === apart(plain)[0]));
  });

  it('has the same bytes in each segment, and the same sections', () => {
    const [before, now] = [readFileSync(plain), readFileSync(aligned)];
    const contents = (elf: Buffer) => loaded(elf).map(({ offset, size }) => elf.subarray(offset, offset + size));
    // The first segment contains the table of segments, which has changed.
    for (const [index, content] of contents(now).entries())
      if (index > 0) assert.deepEqual(content, contents(before)[index]);
    const sections = (path: string) =>
      execFileSync('readelf', ['--wide', '--symbols', '--string-dump=.comment', '--notes', path], { encoding: 'utf8' });
    assert.equal(sections(aligned).replaceAll(aligned, ''), sections(plain).replaceAll(plain, ''));
  });

  it('changes nothing where all is in its place', () => {
    const once = readFileSync(aligned);
    assert.deepEqual(alignSegments(once), once);
  });

  it('leaves nothing of it in memory, to be read in large pieces', (test) => {
    // Debian 13 has this program in a package of its own, util-linux-extra.
    if (findProgram('fincore') === undefined) return test.skip('fincore is not installed');
    const cached = (path: string) =>
      execFileSync('fincore', ['--noheadings', '--bytes', '--output=RES', path]).toString();
    const file = join(folder, 'evicted');
    alignFile(plain, file);
    execFileSync('dd', [`of=${plain}`, 'conv=notrunc,fdatasync', 'oflag=nocache', 'count=0', 'status=none']);
    if (Number(cached(plain)) > 0) return test.skip('this file system keeps its files in memory');
    assert.equal(Number(cached(file)), 0);
  });

  it('refuses what is no such file', () => {
    assert.throws(() => alignSegments(Buffer.from('#!/bin/sh\n')), /^Error: not a 64-bit little-endian ELF file$/);
  });
});

const PROGRAM = `
#include <stdio.h>
static const char constant[] = "constant";
static char variable[] = "Xhanged";
int main(int argc, char **argv) {
  variable[0] = 'c';
  printf("%s %s %d\\n", constant, variable, argc);
  return 7;
}
`;

/** The segments that are loaded: man 5 elf. */
function loaded(elf: Buffer): { offset: number; address: number; size: number }[] {
  const number = (at: number) => Number(elf.readBigUInt64LE(at));
  return Array.from({ length: elf.readUInt16LE(0x38) }, (_, index) => number(0x20) + index * elf.readUInt16LE(0x36))
    .filter((at) => elf.readUInt32LE(at) === 1)
    .map((at) => ({ offset: number(at + 8), address: number(at + 16), size: number(at + 32) }));
}
