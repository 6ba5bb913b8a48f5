/** build/setup.sh on machines that differ from this one. Programs at the front of PATH pretend to be them. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { findProgram } from '../../build/compiler.ts';

const repository = join(import.meta.dirname, '../..');
const NODE_PACKAGE = `node-linux-${process.arch}`;
const BUN_PACKAGE = `@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : 'x64'}`;
const STARTS = '#!/bin/sh\nexit 0\n';

/** What npm 9 leaves: the packages are there, but no command is linked. */
const npmInstalls = (...packages: string[]): string => `#!/bin/sh
mkdir -p node_modules/.bin
for program in ${packages.map((name) => `${name}/bin/${name.includes('bun') ? 'bun' : 'node'}`).join(' ')}; do
  mkdir -p "$(dirname "node_modules/$program")"
  printf '${STARTS.replaceAll('\n', '\\n')}' > "node_modules/$program"
  chmod +x "node_modules/$program"
done
touch node_modules/.package-lock.json
`;

describe('build/setup.sh', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-setup-`));
    for (const name of ['build', 'bin']) mkdirSync(join(folder, name));
    for (const file of ['build/setup.sh', 'package.json', 'package-lock.json'])
      copyFileSync(join(repository, file), join(folder, file));
    pretend('npm', npmInstalls(BUN_PACKAGE, NODE_PACKAGE));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const pretend = (program: string, script: string) =>
    writeFileSync(join(folder, 'bin', program), script, { mode: 0o755 });

  function setup(purpose: string, others = process.env.PATH) {
    const { status, stdout, stderr } = spawnSync(
      findProgram('bash') ?? 'bash',
      [join(folder, 'build/setup.sh'), purpose],
      {
        env: { PATH: `${join(folder, 'bin')}:${others}`, RUNCHART_NO_APT: '1' },
        encoding: 'utf8',
      },
    );
    return { status, stdout, lines: stderr.trim().split('\n') };
  }

  function fails(purpose: string, message: RegExp, others?: string): void {
    const { status, stdout, lines } = setup(purpose, others);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(lines.at(-1) ?? '', message);
  }

  it('links Node and Bun where npm does not', () => {
    assert.equal(setup('check').status, 0);
    assert.equal(readlinkSync(join(folder, 'node_modules/.bin/node')), `../${NODE_PACKAGE}/bin/node`);
    assert.equal(readlinkSync(join(folder, 'node_modules/.bin/bun')), `../${BUN_PACKAGE}/bin/bun`);
  });

  it('installs nothing again', () => {
    setup('check');
    pretend('npm', '#!/bin/sh\nexit 1\n');
    assert.deepEqual(setup('check').status, 0);
  });

  it('names a package that npm left out', () => {
    pretend('npm', npmInstalls(BUN_PACKAGE));
    fails('check', new RegExp(`^setup: the npm package ${NODE_PACKAGE} is missing: rm -r node_modules, `));
  });

  it('says that npm failed, after what npm says', () => {
    pretend('npm', '#!/bin/sh\necho "npm ERR! code ENOTFOUND" >&2\nexit 1\n');
    assert.ok(setup('check').lines.includes('npm ERR! code ENOTFOUND'));
    fails('check', /^setup: npm could not install the packages, as it says above; .*npm config set proxy/);
  });

  it('says what an engine that does not start may lack', () => {
    pretend('npm', npmInstalls(BUN_PACKAGE, NODE_PACKAGE).replace('exit 0', 'exit 127'));
    fails('check', /^setup: bun does not start, .*apt-get install libatomic1/);
  });

  describe('where there is neither dpkg nor apt', () => {
    let few: string;
    beforeEach(() => {
      few = join(folder, 'few');
      mkdirSync(few);
      for (const name of [
        'dirname',
        'uname',
        'tr',
        'grep',
        'paste',
        'flock',
        'ln',
        'sh',
        'mkdir',
        'chmod',
        'touch',
        'id',
      ])
        symlinkSync(findProgram(name) ?? name, join(few, name));
    });

    it('asks for a C compiler to build with', () => {
      fails('build', /^setup: a C compiler is needed: install gcc \(Debian: apt-get install gcc libc6-dev\)$/, few);
      assert.deepEqual(setup('check', few).lines, ['']);
    });

    it('asks for npm', () => {
      rmSync(join(folder, 'bin/npm'));
      fails('check', /^setup: npm is needed: install it \(Debian: apt-get install npm\)$/, few);
    });
  });

  describe('before the quickstart, says', () => {
    const told = (message: RegExp) => {
      fails('quickstart', message);
      assert.ok(!existsSync(join(folder, 'node_modules')), 'and spends no time on packages');
    };
    const uname = (machine: string, release: string) =>
      pretend('uname', `#!/bin/sh\ncase $1 in -m) echo ${machine} ;; *) echo ${release} ;; esac\n`);

    it('which machine it cannot run on', () => {
      uname('riscv64', '6.1.0');
      told(/^setup: runchart runs on x86_64 and aarch64; this machine is riscv64$/);
    });

    for (const release of ['4.19.0-27-amd64', '5.10.0-32-amd64', '5.11+'])
      it(`that Linux ${release} is too old`, () => {
        uname('x86_64', release);
        told(/^setup: a container needs Linux 5\.12 or later; this machine runs [45]/);
      });

    it('who must run it', () => {
      uname('x86_64', '5.12.0');
      pretend('id', '#!/bin/sh\necho 1000\n');
      told(/^setup: making a container needs root here: run "sudo npm run quickstart", or become root$/);
    });

    it('that there are no cgroups', () => {
      uname('x86_64', '6.1.0-30-amd64');
      pretend('id', '#!/bin/sh\necho 0\n');
      pretend('grep', '#!/bin/sh\ncase "$*" in *cgroup*) exit 1 ;; esac\nexec /bin/grep "$@"\n');
      told(/^setup: a container needs cgroups, and none are mounted: mount -t cgroup2 /);
    });
  });
});
