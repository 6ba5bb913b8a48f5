/** clang-tidy and its analyser on the programs that have no C library. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ARCHITECTURES, type Arch, findProgram } from '../../build/compiler.ts';

const native = join(import.meta.dirname, '../../native');

const CHECKS = [
  ...[
    '-*',
    'clang-analyzer-*',
    'clang-diagnostic-*',
    'bugprone-*',
    'cert-*',
    'concurrency-*',
    'misc-*',
    'performance-*',
    'portability-*',
  ],
  // The kernel tells addresses as numbers, and the arguments of a system call all look alike.
  ...['-performance-no-int-to-ptr', '-bugprone-easily-swappable-parameters'],
];
const TARGETS: Record<Arch, string> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

function analyse(folder: string, source: string, arch: Arch): { status: number | null; report: string } {
  const compiled = [
    `--target=${TARGETS[arch]}`,
    '-std=gnu11',
    '-Wall',
    '-Wextra',
    '-ffreestanding',
    '-DINIT_PROGRAM="init"',
  ];
  const options = [`--checks=${CHECKS.join()}`, '--warnings-as-errors=*', '--header-filter=.*', '--quiet'];
  const { status, stdout } = spawnSync('clang-tidy', [...options, join(folder, source), '--', ...compiled], {
    encoding: 'utf8',
  });
  return { status, report: stdout };
}

describe('static analysis', { skip: findProgram('clang-tidy') ? false : 'clang-tidy is not installed' }, () => {
  for (const source of ['init/init.c', 'launcher/launcher.c'])
    for (const arch of ARCHITECTURES)
      it(`finds nothing in ${source} for ${arch}`, () => {
        const { status, report } = analyse(native, source, arch);
        assert.equal(status, 0, report);
      });

  const planted: Record<string, readonly [source: string, right: string, wrong: string, finding: string]> = {
    'what was never written': ['launcher/page-cache.h', 'pages = {0}', 'pages', 'UndefinedBinaryOperatorResult'],
    'a null pointer': ['init/init.c', '(struct message *)arena', '0', 'NullDereference'],
    'an assignment that looks like a comparison': [
      'launcher/stage.h',
      'stage->pid == 0',
      'stage->pid = 0',
      'clang-diagnostic-parentheses',
    ],
  };
  for (const [what, [file, right, wrong, finding]] of Object.entries(planted))
    it(`finds ${what}`, (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
      t.after(() => rmSync(folder, { recursive: true }));
      cpSync(native, folder, { recursive: true, filter: (path) => !/\.ts$/.test(path) });
      const text = readFileSync(join(folder, file), 'utf8');
      assert.ok(text.includes(right));
      writeFileSync(join(folder, file), text.replace(right, wrong));
      const { status, report } = analyse(folder, file.startsWith('init') ? file : 'launcher/launcher.c', 'x64');
      assert.notEqual(status, 0);
      assert.ok(report.includes(finding), report);
    });
});
