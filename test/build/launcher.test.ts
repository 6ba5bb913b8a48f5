import assert from 'node:assert/strict';
import { execFileSync, type SpawnSyncOptionsWithStringEncoding, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ARCHITECTURES, findCompiler, hostArch } from '../../build/compiler.ts';
import { compileLauncher } from '../../build/launcher.ts';

const root = join(import.meta.dirname, '../..');
const shipped = join(root, 'dist/runchart-engine');

function sinceLinux(major: number, minor: number): boolean {
  const [runs = 0, at = 0] = release().split('.').map(Number);
  return runs > major || (runs === major && at >= minor);
}

/** The variables that the launcher adds to every environment. */
const OWN = ['RUNCHART_ENVIRONMENT', 'BUN_JSC_useJIT', 'BUN_ENABLE_CRASH_REPORTING', 'RUNCHART_NOFILE'];

/** The variables of the caller that it hands on, from native/launcher/environment.h. */
const READ_BY_US = ['LISTEN_FDS', 'LISTEN_PID', 'NOTIFY_SOCKET', 'TRACEPARENT', 'USER', 'XDG_RUNTIME_DIR'];
const isReadByUs = (name: string): boolean => READ_BY_US.includes(name) || name.startsWith('LD_');

const entriesOf = (env: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(env).map(([name, value]) => `${name}=${value}`);
const namesOf = (entries: readonly string[]): readonly string[] => entries.map((entry) => entry.split('=')[0] ?? '');

/** All words of a program that could be names of variables, in portions that fit into an environment. */
function wordsOf(program: string): readonly (readonly string[])[] {
  const text = readFileSync(program, 'latin1');
  const words = new Set(Array.from(text.matchAll(/(?<=[^\w$])[A-Za-z_]\w{2,60}(?=[\0=])/g), ([word]) => word));
  // spawn takes the environment as an object, so this name cannot be an ordinary member of it.
  words.delete('__proto__');
  assert.ok(['BUN_OPTIONS', 'SIMDUTF_FORCE_IMPLEMENTATION', 'JSC_SIGNAL_FOR_GC'].every((name) => words.has(name)));
  const all = [...words];
  return Array.from({ length: Math.ceil(all.length / 20_000) }, (_, i) => all.slice(i * 20_000, (i + 1) * 20_000));
}

/** No two segments share a page, and each stands in the file where its address wants it. */
function assertMappable(header: string, page: number): void {
  const segments = [...header.matchAll(/LOAD +(\w+) (\w+) \w+ \w+ (\w+)/g)];
  assert.ok(segments.length > 0);
  let free = 0;
  for (const [offset = 0, address = 0, size = 0] of segments.map((match) => match.slice(1).map(Number))) {
    assert.equal((address - offset) % page, 0);
    assert.ok(Math.floor(address / page) >= free, `two segments in a page of ${page}`);
    free = Math.ceil((address + size) / page);
  }
}

describe('the launcher', () => {
  let folder: string;
  let launcher: string;
  let engine: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
    launcher = join(folder, 'runchart');
    engine = join(folder, 'runchart-engine');
    compileLauncher(root, hostArch(), launcher);
    execFileSync('gcc', ['-O', join(import.meta.dirname, 'report.c'), '-o', engine]);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('passes the arguments on, the name it was called by included', () => {
    const argv = ['run', '--bundle', '', 'ünïcode', '-'];
    assert.deepEqual(report({ argv0: 'runc', argv }).arg, ['runc', ...argv]);
  });

  it('finds the engine through a symlink, from any directory', () => {
    const link = join(folder, 'link-runc');
    symlinkSync(launcher, link);
    assert.deepEqual(report({ path: link, argv: ['state'], cwd: '/' }).arg, [link, 'state']);
  });

  it('hands its exit status on', () => {
    assert.equal(spawnSync(launcher).status, 7);
  });

  it('hands the engine what is read by name and what the dynamic loader obeys, in order, and keeps all', () => {
    const env = {
      LISTEN_FDS: '2',
      BUN_OPTIONS: '--preload /x',
      bun_be_bun: '1',
      LISTEN_PID: '17',
      NODE_NAME: 'of Kubernetes',
      LD_LIBRARY_PATH: '/x',
      mimalloc_verbose: '1',
      SIMDUTF_FORCE_IMPLEMENTATION: 'x',
      NOTIFY_SOCKET: '@x',
      XDG_RUNTIME_DIR: '',
      RUNCHART_NOFILE: '5',
      RUNCHART_ENVIRONMENT: '0',
      RUNCHART_CWD_DELETED: '1',
      RUNCHART_STAGE: '1:2:3',
      USER: 'ünïcode',
      USERS: 'x',
      user: 'x',
      XUSER: 'x',
      'odd name': '=',
      PATH: '/bin',
    };
    const seen = report({ env });
    assert.deepEqual(seen.all, entriesOf(env));
    const { LISTEN_FDS, LISTEN_PID, LD_LIBRARY_PATH, NOTIFY_SOCKET, XDG_RUNTIME_DIR, USER } = env;
    assert.deepEqual(seen.env.slice(0, -OWN.length), [
      ...entriesOf({ LISTEN_FDS, LISTEN_PID, LD_LIBRARY_PATH, NOTIFY_SOCKET, XDG_RUNTIME_DIR, USER }),
    ]);
    assert.deepEqual(namesOf(seen.env.slice(-OWN.length)), OWN);
    assert.deepEqual(seen.env.slice(-OWN.length)[0], 'RUNCHART_ENVIRONMENT=202');
  });

  it('hands it no other name that can be found in the engine that ships', (t) => {
    if (!existsSync(shipped)) return t.skip('dist/runchart-engine is not built: npm run build');
    for (const names of wordsOf(shipped)) {
      const env = Object.fromEntries(names.map((name) => [name, '1']));
      const { env: left, all } = report({ env });
      assert.deepEqual(all, entriesOf(env));
      assert.deepEqual(
        namesOf(left).filter((name) => !isReadByUs(name)),
        OWN,
      );
    }
  });

  it('knows every name that our sources read', () => {
    const sources = ['commands', 'runtime', 'effects', 'native'].map((name) => join(root, name));
    const read = globSync(sources.map((name) => `${name}/**/*.ts`))
      .map((file) => readFileSync(file, 'utf8'))
      .flatMap((text) => [...text.matchAll(/\benv(?:\.|\[')([A-Z_]+)/g)].map(([, name = '']) => name))
      .filter((name) => !name.startsWith('RUNCHART_'));
    assert.deepEqual([...new Set(read)].toSorted(), READ_BY_US.toSorted());
  });

  it('takes the first of several with the same name, as getenv does', () => {
    const file = join(folder, 'environment');
    writeFileSync(file, 'USER=1\0A=1\0USER=2\0A=2\0');
    execFileSync('gcc', [
      '-O',
      join(import.meta.dirname, 'with-environment.c'),
      '-o',
      join(folder, 'with-environment'),
    ]);
    const lines = spawnSync(join(folder, 'with-environment'), [file, launcher], { encoding: 'utf8' }).stdout.split(
      '\n',
    );
    assert.deepEqual(
      lines.filter((line) => /^(env [^RB]|all )/.test(line)),
      ['env USER=1', 'all USER=1', 'all A=1', 'all USER=2', 'all A=2'],
    );
  });

  it('copes with an environment of thousands of variables, and with none', () => {
    const names = Array.from({ length: 5000 }, (_, i) => (i % 2 ? `BUN_${i}` : `LD_${i}`));
    const env = Object.fromEntries(names.map((name) => [name, 'x'.repeat(40)]));
    const many = report({ env });
    assert.equal(many.env.length, 2500 + OWN.length);
    assert.deepEqual(many.all, entriesOf(env));
    const none = report({ env: {} });
    assert.deepEqual(namesOf(none.env), OWN);
    assert.deepEqual(none.all, []);
  });

  it('says by its errno that the environment could not be kept', () => {
    const told = (limits: string) => {
      const script = `${limits}; exec "$0"`;
      const { stdout } = spawnSync('bash', ['-c', script, launcher], {
        encoding: 'utf8',
        env: { A: 'x'.repeat(3000) },
      });
      return /^env RUNCHART_ENVIRONMENT=(.*)$/m.exec(stdout)?.[1];
    };
    assert.equal(told('ulimit -f 2'), '-27', 'EFBIG');
    assert.equal(told('ulimit -f 4'), '202');
    assert.equal(told('ulimit -n 64'), '3', 'it stays where it is');
  });

  it('asks for huge pages for run and exec', () => {
    const asks = (argv: string[]) => report({ argv }).env.includes('MIMALLOC_ALLOW_THP=2');
    const lines = [
      ['run', 'x'],
      ['--root', 'run', 'run', 'x'],
      ['exec', 'x', 'true'],
      ['create', 'run'],
      ['--root', 'run', 'state', 'x'],
      [],
    ];
    assert.deepEqual(lines.map(asks), [true, true, true, false, false, false]);
  });

  it('reads an engine that is not in memory as a whole', (test) => {
    const cold = join(folder, 'cold');
    mkdirSync(cold);
    copyFileSync(launcher, join(cold, 'runchart'));
    const file = join(cold, 'runchart-engine');
    writeFileSync(file, Buffer.concat([readFileSync(engine), Buffer.alloc(8_000_000)]), { mode: 0o755 });
    const cached = (path: string) => {
      execFileSync('dd', [`of=${file}`, 'conv=notrunc,fdatasync', 'oflag=nocache', 'count=0', 'status=none']);
      return Number(/^cached (\d+)$/m.exec(spawnSync(path, { encoding: 'utf8' }).stdout)?.[1]);
    };
    if (cached(file) > 50) return test.skip('this file system keeps its files in memory');
    if (!sinceLinux(6, 5)) return test.skip('this kernel has no cachestat');
    assert.equal(cached(join(cold, 'runchart')), 100);
  });

  for (const limit of [64, 1024, 4095]) {
    it(`tells the engine the soft limit of descriptors: ${limit}`, () => {
      const { stdout } = spawnSync('sh', ['-c', `ulimit -Sn ${limit}; exec "$0"`, launcher], { encoding: 'utf8' });
      assert.match(stdout, new RegExp(`^env RUNCHART_NOFILE=${limit}$`, 'm'));
    });
  }

  it('moves to / where the current directory is gone, and says so', () => {
    const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0"';
    const { stdout } = spawnSync('sh', ['-c', script, launcher], { cwd: folder, encoding: 'utf8' });
    assert.match(stdout, /^env RUNCHART_CWD_DELETED=1$/m);
    assert.match(stdout, /^cwd \/$/m);
  });

  it('leaves descriptors, ignored and blocked signals alone', () => {
    const file = openSync('/dev/null', 'r');
    const ignoring = ['-c', 'trap "" HUP PIPE; exec "$0"', launcher];
    const options: SpawnSyncOptionsWithStringEncoding = {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', 'ignore', file],
    };
    const lines = spawnSync('sh', ignoring, options).stdout.split('\n');
    assert.deepEqual(
      lines.filter((line) => line.startsWith('fd ')),
      ['fd 0', 'fd 1', 'fd 2', 'fd 4'],
    );
    assert.deepEqual(
      lines.filter((line) => line.startsWith('ignored ')),
      ['ignored 1', 'ignored 13'],
    );
    const all = ['-c', 'trap "" HUP PWR USR1; exec "$0"', launcher];
    assert.deepEqual(
      spawnSync('sh', all, options)
        .stdout.split('\n')
        .filter((line) => line.startsWith('ignored ')),
      ['ignored 1', 'ignored 10'],
      'but for SIGPWR, which is the engine’s',
    );
    const blocking = ['--block-signal=USR1', launcher];
    assert.match(spawnSync('env', blocking, options).stdout, /^blocked 10$/m);
  });

  it('starts a stage for a command that makes a process, and for no other', () => {
    const makes = [
      ['run'],
      ['--root', '/x', 'create', 'y'],
      ['-root=/x', '--debug', 'exec'],
      ['--log', 'state', 'run'],
    ];
    const others = [
      [],
      ['state', 'run'],
      ['--log', 'run', 'list'],
      ['--log', 'run'],
      ['--log'],
      ['--help'],
      ['runs'],
      ['-'],
    ];
    const traced = [
      ['--trace', '-', 'run'],
      ['--trace=x', 'run'],
      ['-trace', 'run', 'run'],
    ];
    const told = (argv: readonly string[]) => report({ argv }).env.filter((one) => one.startsWith('RUNCHART_STAGE='));
    for (const argv of makes) assert.match(told(argv).join(), /^RUNCHART_STAGE=\d+:\d+:\d+$/, argv.join(' '));
    for (const argv of [...others, ...traced]) assert.deepEqual(told(argv), [], argv.join(' '));
  });

  it('starts one as long as there is room for its descriptors', () => {
    const told = (limit: number) => {
      const few = ['-c', `ulimit -Sn ${limit}; exec "$0" run`, launcher];
      const { stdout } = spawnSync('sh', few, { encoding: 'utf8' });
      assert.match(stdout, new RegExp(`^env RUNCHART_NOFILE=${limit}$`, 'm'));
      return /^env RUNCHART_STAGE=\d+(:.*)$/m.exec(stdout)?.[1];
    };
    assert.deepEqual([31, 32, 100, 200, 201, 202, 1000].map(told), [
      undefined,
      ':30:31',
      ':98:99',
      ':198:199',
      ':200:199',
      ':200:201',
      ':200:201',
    ]);
  });

  it('starts a stage that has nothing of the caller’s, and ends with the engine', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root may look at a process that is not dumpable');
    const files = Array.from({ length: 230 }, () => openSync('/dev/null', 'r'));
    const ignoring = ['--block-signal=USR1', 'sh', '-c', 'trap "" HUP PIPE; exec "$0" run', launcher];
    const { stdout } = spawnSync('env', ignoring, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', ...files] });
    for (const file of files) closeSync(file);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.startsWith('stage ')),
      [
        ...['stage exe /memfd:runchart-init (deleted)', 'stage cmdline runchart-init 30 ', 'stage environ '],
        ...['stage SigBlk: 0', 'stage SigIgn: 0', ...[30, 31].map((fd) => `stage fd ${fd}`)],
      ],
    );
    const pid = /RUNCHART_STAGE=(\d+)/.exec(stdout)?.[1];
    const ended = () => {
      try {
        return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return true;
      }
    };
    for (let tries = 0; !ended(); tries++) {
      assert.ok(tries < 3000, 'the stage has outlived the engine');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  it('says in one line that the engine is missing', () => {
    const alone = join(folder, 'alone');
    execFileSync('mkdir', [alone]);
    copyFileSync(launcher, join(alone, 'runchart'));
    const missing = spawnSync(join(alone, 'runchart'), { encoding: 'utf8' });
    assert.equal(missing.status, 1);
    assert.equal(missing.stdout, '');
    assert.match(
      missing.stderr,
      /^runchart: cannot execute the engine \/.*\/alone\/runchart-engine: ENOENT: [^\n]+\n$/,
    );

    writeFileSync(join(alone, 'runchart-engine'), 'not a program');
    chmodSync(join(alone, 'runchart-engine'), 0o644);
    assert.match(spawnSync(join(alone, 'runchart'), { encoding: 'utf8' }).stderr, /: EACCES: /);
    chmodSync(join(alone, 'runchart-engine'), 0o755);
    assert.match(spawnSync(join(alone, 'runchart'), { encoding: 'utf8' }).stderr, /: ENOEXEC: /);
  });

  for (const arch of ARCHITECTURES) {
    it(`compiles for ${arch}`, (t) => {
      if (findCompiler(arch) === undefined) return t.skip(`no C compiler for ${arch}`);
      const output = join(folder, `runchart-${arch}`);
      compileLauncher(root, arch, output);
      const header = execFileSync('readelf', ['--file-header', '--program-headers', '--wide', output], {
        encoding: 'utf8',
      });
      assert.match(header, arch === 'x64' ? /X86-64/ : /AArch64/);
      assert.doesNotMatch(header, /INTERP|DYNAMIC|RWE/);
      assertMappable(header, arch === 'x64' ? 4096 : 65_536);
    });
  }

  interface Surroundings {
    readonly path?: string;
    readonly argv0?: string;
    readonly argv?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  }

  function report({ path = launcher, argv0 = path, argv = [], env = {}, cwd = folder }: Surroundings) {
    const { stdout } = spawnSync(path, argv, { argv0, env, cwd, encoding: 'utf8', maxBuffer: 1 << 24 });
    const lines = stdout.split('\n');
    const all = (kind: string) => lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(4));
    return { arg: all('arg'), env: all('env'), all: all('all') };
  }
});
