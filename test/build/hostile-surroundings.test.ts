/**
 * dist/runchart, after somebody has prepared the current directory, the home and the environment. Each trap leaves a
 * file when it works. On the bare engine each does work, which is checked first, so that an absent file means
 * something.
 *
 * LD_PRELOAD, LD_LIBRARY_PATH and their kin are not among the traps. The dynamic loader obeys them before any code of
 * ours or of Bun runs, and whoever sets them for runc has the same power.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { findProgram } from '../../build/compiler.ts';

const root = join(import.meta.dirname, '../..');
const runchart = join(root, 'dist/runchart');
const engine = join(root, 'dist/runchart-engine');
const bun = join(root, 'node_modules/.bin/bun');

const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
const cwd = join(folder, 'cwd');
const home = join(folder, 'home');
const temporary = join(folder, 'tmp');
const state = join(folder, 'state');
const canary = join(folder, 'canary');
const trap = join(folder, 'trap.cjs');
const skip = existsSync(runchart) ? false : 'dist/runchart is not built: npm run build';

after(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const path of [cwd, home, temporary, state]) mkdirSync(path, { recursive: true });
  writeFileSync(trap, `require('node:fs').writeFileSync(${JSON.stringify(canary)}, process.argv0);`);
});

/** What a command finds around it: PATH, places for configuration and temporary files, and the trap. */
function surroundings(variables: Readonly<Record<string, string>> = {}): Record<string, string> {
  const own = { PATH: process.env.PATH ?? '', HOME: home, XDG_CONFIG_HOME: home, TMPDIR: temporary };
  return { ...own, ...variables };
}

function run(program: string, argv: readonly string[], variables: Readonly<Record<string, string>>) {
  const options = { cwd, env: surroundings(variables), encoding: 'utf8', timeout: 20_000 } as const;
  const { status, stdout, stderr } = spawnSync(program, argv, options);
  return { status, stdout, stderr };
}

const version = (program: string, variables: Readonly<Record<string, string>>) =>
  run(program, ['--version'], variables);

/** `list` gets as far as the kernel, so it has opened the addon of koffi. */
const COMMANDS = [
  { argv: ['--version'], prints: /^runchart version / },
  { argv: ['--root', state, 'list'], prints: /^ID +PID/ },
];

function assertUnmoved(variables: Readonly<Record<string, string>> = {}): void {
  for (const { argv, prints } of COMMANDS) {
    const { status, stdout, stderr } = run(runchart, argv, variables);
    assert.equal(stderr, '');
    assert.match(stdout, prints);
    assert.equal(status, 0);
    assert.ok(!existsSync(canary), 'the trap worked');
    assert.deepEqual(readdirSync(temporary), []);
  }
}

const files: Readonly<Record<string, () => string>> = {
  'bunfig.toml': () => `preload = ["${trap}"]\n[test]\npreload = ["${trap}"]\n`,
  '.bunfig.toml': () => `preload = ["${trap}"]\n`,
  '.env': () => 'BUN_OPTIONS=--version\nDEBUG=*\nNODE_ENV=development\nRUNCHART_NOFILE=1\n',
  '.env.local': () => 'BUN_BE_BUN=1\n',
  'package.json': () => '{ "name": "x", "type": "commonjs", "imports": { "#x": "./x" }, not json',
  'tsconfig.json': () => '{ "compilerOptions": { "paths": { "*": ["./node_modules/*"] } }, not json',
  'node_modules/@oclif/core/lib/command.js': () => `require(${JSON.stringify(trap)})`,
  'node_modules/debug/src/index.js': () => `require(${JSON.stringify(trap)})`,
  'node_modules/koffi/index.js': () => `require(${JSON.stringify(trap)})`,
  'koffi.node': () => 'not an addon',
  'runchart-engine': () => '#!/bin/sh\necho wrong engine >&2',
};

describe('in a hostile current directory, dist/runchart', { skip }, () => {
  it('is not what bunfig.toml preloads, as Bun is', () => {
    writeFileSync(join(cwd, 'bunfig.toml'), `preload = ["${trap}"]\n`);
    writeFileSync(join(cwd, 'script.js'), '');
    execFileSync(bun, ['script.js'], { cwd, env: surroundings() });
    assert.ok(existsSync(canary), 'the trap itself does not work');
    rmSync(canary);
    assertUnmoved();
  });

  for (const [name, text] of Object.entries(files)) {
    it(`does not obey ${name}`, () => {
      for (const where of [cwd, home]) {
        mkdirSync(dirname(join(where, name)), { recursive: true });
        writeFileSync(join(where, name), text(), { mode: 0o755 });
      }
      assertUnmoved();
    });
  }

  it('opens no file there, in the home or in the temporary folder', (t) => {
    if (findProgram('strace') === undefined) return t.skip('strace is not installed');
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(cwd, name)), { recursive: true });
      writeFileSync(join(cwd, name), text());
    }
    for (const { argv } of COMMANDS) {
      const options = { cwd, env: surroundings(), encoding: 'utf8' } as const;
      const { stderr, status } = spawnSync('strace', ['-f', '-e', 'trace=%file', runchart, ...argv], options);
      assert.equal(status, 0);
      const calls = stderr.split('\n').filter((line) => /^(\[pid +\d+\] )?\w+\(/.test(line));
      assert.ok(calls.length > 5, stderr);
      const opened = calls.filter((line) => !/\b(getcwd|execve)\(/.test(line));
      const relative = /^(\[pid +\d+\] )?\w+\((AT_FDCWD, )?"[^/"]/;
      const theirs = (line: string) =>
        [cwd, home, temporary].some((path) => line.includes(path)) || relative.test(line);
      assert.deepEqual(opened.filter(theirs), []);
    }
  });
});

describe('in a hostile environment, dist/runchart', { skip }, () => {
  it('preloads nothing by BUN_OPTIONS, as the engine alone does', () => {
    const variables = { BUN_OPTIONS: `--preload ${trap}` };
    version(engine, variables);
    assert.ok(existsSync(canary), 'the trap itself does not work');
    rmSync(canary);
    assertUnmoved(variables);
  });

  it('is not turned into Bun by BUN_BE_BUN, as the engine alone is', () => {
    const variables = { BUN_BE_BUN: '1' };
    assert.match(version(engine, variables).stdout, /^\d+\.\d+\.\d+/);
    assertUnmoved(variables);
  });

  it('writes no file by BUN_BYTECODE_ORDER_OUT, as the engine alone does', () => {
    const variables = { BUN_BYTECODE_ORDER_OUT: canary };
    version(engine, variables);
    assert.ok(existsSync(canary), 'the trap itself does not work');
    rmSync(canary);
    assertUnmoved(variables);
  });

  it('is not stopped by SIMDUTF_FORCE_IMPLEMENTATION, as the engine alone is', () => {
    const variables = { SIMDUTF_FORCE_IMPLEMENTATION: 'x' };
    assert.notEqual(version(engine, variables).status, 0);
    assertUnmoved(variables);
  });

  const harmless: readonly Readonly<Record<string, string>>[] = [
    { BUN_INSPECT: 'ws+unix:///tmp/x', BUN_INSPECT_NOTIFY: 'unix:///x', BUN_INSPECT_PRELOAD: trap },
    { BUN_INSPECT_CONNECT_TO: 'x' },
    { BUN_JSC_dumpOptions: '2', JSC_dumpOptions: '2' },
    { BUN_JSC_useDollarVM: '1', BUN_JSC_dumpGeneratedBytecodes: '1' },
    { BUN_RUNTIME_TRANSPILER_CACHE_PATH: cwd, BUN_TMPDIR: cwd },
    { NODE_OPTIONS: `--require ${trap}`, NODE_PATH: cwd, NODE_DEBUG: 'fs', NODE_V8_COVERAGE: cwd },
    { NODE_CHANNEL_FD: '0', NODE_UNIQUE_ID: '1' },
    { NODE_EXTRA_CA_CERTS: canary, NODE_COMPILE_CACHE: cwd },
    { MIMALLOC_SHOW_STATS: '1', MIMALLOC_VERBOSE: '1', MIMALLOC_SHOW_ERRORS: '1' },
    { ICU_DATA: cwd, UV_THREADPOOL_SIZE: '1000', WTF_numberOfProcessorCores: '1000' },
    { OCLIF_TS_NODE: '1', OCLIF_COLUMNS: '1', DEBUG_ASYNC: '1', DEBUG: '*' },
    { MallocLogFile: canary, MallocHelp: '1', MallocStackLogging: '1', WebKitMallocForceEnabled: '1' },
    { JSC_SIGNAL_FOR_GC: '9', JavaScriptCoreUseJIT: '1', GLIBCXX_TUNABLES: 'x', GLIBC_TUNABLES: 'x' },
    { XDG_RUNTIME_DIR: cwd, USER: 'x', NOTIFY_SOCKET: '@x', LISTEN_PID: '1', LISTEN_FDS: '1000' },
    { RUNCHART_ENVIRONMENT: '0', RUNCHART_STAGE: '1:2:3', RUNCHART_NOFILE: '1', RUNCHART_CWD_DELETED: '1' },
    { NODE_ENV: 'development', CI: '1', FORCE_COLOR: '1', TERM: 'dumb', COLUMNS: '-1' },
    { PATH: '', HOME: '', TMPDIR: '', LANG: 'x', TZ: '../../etc/passwd' },
  ];
  it('writes nothing on standard error for a caller who ignores or blocks signals, SIGPWR among them', () => {
    const numbers = Array.from({ length: 64 }, (_, i) => i + 1).filter((number) => ![9, 19, 32, 33].includes(number));
    for (const how of ['ignore', 'block'])
      for (const { argv, prints } of COMMANDS) {
        const options = numbers.map((number) => `--${how}-signal=${number}`);
        const { stdout, stderr, status } = run('env', [...options, runchart, ...argv], {});
        assert.deepEqual({ stderr, status }, { stderr: '', status: 0 }, how);
        assert.match(stdout, prints);
      }
  });

  for (const variables of harmless) {
    it(`is unmoved by ${Object.keys(variables).join(', ')}`, () => assertUnmoved(variables));
  }
});
