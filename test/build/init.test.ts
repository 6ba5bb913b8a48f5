import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { ARCHITECTURES, findCompiler, findProgram } from '../../build/compiler.ts';
import { compileInit } from '../../build/init.ts';

describe('the init', () => {
  for (const arch of ARCHITECTURES) {
    it(`compiles for ${arch}: static, without a C library, and with no memory both writable and executable`, (t) => {
      if (findCompiler(arch) === undefined) return t.skip(`no C compiler for ${arch}`);
      if (findProgram('readelf') === undefined) return t.skip('readelf (binutils) is not installed');
      const output = execFileSync('readelf', ['--file-header', '--program-headers', compileInit(arch)]).toString();
      assert.match(output, arch === 'x64' ? /X86-64/ : /AArch64/);
      assert.doesNotMatch(output, /INTERP|DYNAMIC|RWE/);
    });
  }
});
