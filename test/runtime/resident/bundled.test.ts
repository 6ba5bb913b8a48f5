import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { hostPlatform } from '../../../native/host-platform.ts';
import { sectionOf } from '../../../runtime/resident/bundled.ts';

describe('a section of an executable', () => {
  const folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-bundled-`));
  after(() => rmSync(folder, { recursive: true }));
  const kernel = hostPlatform().local;

  function compiled(name: string, ...flags: readonly string[]): string {
    const source = join(folder, 'source.c');
    writeFileSync(
      source,
      `#include <stdio.h>
      __attribute__((section(".odd"), used)) static char odd[12345] = "odd";
      int main(void) { printf("%lu", (unsigned long)odd); return 0; }\n`,
    );
    const program = join(folder, name);
    execFileSync('gcc', [...flags, '-o', program, source]);
    return program;
  }

  it('lies where the program finds it', () => {
    const program = compiled('fixed', '-no-pie', '-static');
    const from = Number(execFileSync(program, { encoding: 'utf8' }));
    const found = sectionOf(kernel, program, '.odd');
    assert.deepEqual(found, { from, size: 12345 });
    assert.equal(sectionOf(kernel, program, '.od'), undefined);
    assert.equal(sectionOf(kernel, program, 'odd'), undefined);
  });

  it('is unknown where its place differs from start to start, or where the file is damaged or none', () => {
    assert.equal(sectionOf(kernel, compiled('moving', '-pie', '-fPIE'), '.odd'), undefined);
    assert.equal(sectionOf(kernel, '/dev/null', '.odd'), undefined);
    const program = compiled('damaged', '-no-pie');
    truncateSync(program, 5000);
    assert.equal(sectionOf(kernel, program, '.odd'), undefined);
  });
});
