import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeLazy, withoutStdoutListener } from '../../build/lazy-oclif.ts';

const root = join(import.meta.dirname, '../..');
const bun = join(root, 'node_modules/.bin/bun');
const core = join(root, 'node_modules/@oclif/core/lib');

/** Runs CommonJS code that may require `recorder`. That notes when it is required. */
function evaluate(source: string, required: string[]): Record<string, unknown> {
  const exports = {};
  const load = (name: string) => {
    required.push(name);
    return {
      default: { of: () => 'default' },
      named: () => 'named',
      Thing: class {
        kind = 'thing';
      },
    };
  };
  new Function('exports', 'require', '__importDefault', '__importStar', source)(
    exports,
    load,
    (module: object) => module,
    (module: object) => module,
  );
  return exports;
}

describe('makeLazy', () => {
  it('requires on first use, and once', () => {
    const required: string[] = [];
    const lazy = makeLazy('const x_1 = require("x");\nexports.call = () => (0, x_1.named)() + x_1.named();');
    const { call } = evaluate(lazy, required) as { call: () => string };
    assert.deepEqual(required, []);
    assert.equal(call(), 'namednamed');
    assert.deepEqual(required, ['x']);
  });

  it('keeps the meaning of new', () => {
    const source = 'const x_1 = __importStar(require("x"));\nexports.make = () => new x_1.Thing("a").kind;';
    const { make } = evaluate(makeLazy(source), []) as { make: () => string };
    assert.equal(make(), 'thing');
  });

  it('follows default imports and re-exports', () => {
    const source = [
      'const x_1 = __importDefault(require("x"));',
      'var y_1 = require("y");',
      'Object.defineProperty(exports, "y", { enumerable: true, get: function () { return y_1.named; } });',
      'exports.get = () => x_1.default.of();',
    ].join('\n');
    const required: string[] = [];
    const exports = evaluate(makeLazy(source), required) as { get: () => string; y: () => string };
    assert.deepEqual(required, []);
    assert.equal(exports.get(), 'default');
    assert.equal(exports.y(), 'named');
    assert.deepEqual(required, ['x', 'y']);
  });

  it('leaves strings, comments, members and keys of that name alone', () => {
    const source = [
      'const Errors = __importStar(require("x"));',
      '/** Errors are reported. */',
      '// Errors, again',
      'exports.text = "Errors " + \'Errors\';',
      'exports.key = { Errors: 1 }.Errors;',
    ].join('\n');
    const required: string[] = [];
    const exports = evaluate(makeLazy(source), required);
    assert.equal(exports.text, 'Errors Errors');
    assert.equal(exports.key, 1);
    assert.deepEqual(required, []);
  });
});

describe('withoutStdoutListener', () => {
  it('finds the listener in the oclif that is installed', () => {
    const source = readFileSync(join(core, 'command.js'), 'utf8');
    assert.match(source, /process\.stdout\.on/);
    assert.doesNotMatch(withoutStdoutListener(source), /process\.stdout/);
  });

  it('refuses a command.js that it does not know', () => {
    assert.throws(() => withoutStdoutListener('class Command {}'), /no listener on process\.stdout/);
  });
});

describe('a command bundled with the lazy oclif', () => {
  let folder: string;
  let bundled: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
    bundled = join(folder, 'main.js');
    execFileSync(bun, [join(import.meta.dirname, 'sample/bundle.ts'), 'command.ts', bundled]);
  });
  after(() => rmSync(folder, { recursive: true }));

  const argvs = [
    ['c1'],
    ['c1', '-d', '--bundle', '/x', '-e', 'A=1', '-e', 'B=2'],
    ['c1', '--bundle=/x', '--preserve-fds', '3', '--format', 'json'],
    ['--', '-c1'],
    [],
    ['c1', 'c2'],
    ['c1', '--nonsense'],
    ['c1', '--preserve-fds=x'],
    ['c1', '--preserve-fds=-1'],
    ['c1', '--format', 'yaml'],
    ['c1', '--bundle'],
  ];
  for (const argv of argvs) {
    it(`parses ${JSON.stringify(argv)} as plain oclif does`, () => {
      const plain = run(join(import.meta.dirname, 'sample/command.ts'), argv);
      assert.deepEqual(run(bundled, argv), plain);
      assert.match(plain.stdout, /^\{/);
    });
  }

  it('loads no module of Node at start-up', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
    const scripts = files.map((name) => readFileSync(join(folder, name), 'utf8'));
    const imports = scripts.flatMap((script) => [...script.matchAll(/\bimport[^;"'(]*from\s*["']([^"']+)["']/g)]);
    const names = imports.map(([, name = '']) => name);
    assert.deepEqual(
      names.filter((name) => !/^\.\/chunk-\w+\.js$/.test(name)),
      [],
    );
  });

  function run(script: string, argv: readonly string[]) {
    const { status, stdout, stderr } = spawnSync(bun, [script, ...argv], { encoding: 'utf8' });
    return { status, stdout, stderr };
  }
});
