/** The parts of docs/engines.md that no engine's test runs. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { workFolder } from '../integration/bundle.ts';
import { located, missing } from './program.ts';
import { pageSnippets, snippet } from './snippets.ts';

const repository = join(import.meta.dirname, '../..');

describe('docs/engines.md', () => {
  it('names each snippet, and each name is known to a test', () => {
    const known = 'install podman containers.conf ctr config.toml daemon.json docker crio.conf runtimeclass.yaml';
    const names = pageSnippets().map(({ name }) => name);
    assert.deepEqual(new Set(names), new Set(known.split(' ')));
  });

  it('installs what works', () => {
    const { path, remove } = workFolder('install');
    try {
      mkdirSync(join(path, 'lib'));
      mkdirSync(join(path, 'bin'));
      const script = snippet('install').replaceAll('/usr/local', path);
      execFileSync('sh', ['-e', '-c', script], { cwd: repository });
      const version = execFileSync(join(path, 'bin/runchart'), ['--version'], { encoding: 'utf8' });
      assert.match(version, /^runchart version /);
    } finally {
      remove();
    }
  });

  it("containerd takes the CRI's configuration", { skip: missing('containerd') }, () => {
    const { path, remove } = workFolder('cri');
    try {
      const file = join(path, 'config.toml');
      writeFileSync(file, snippet('config.toml'));
      const dump = execFileSync(located('containerd') ?? '', ['--config', file, 'config', 'dump'], {
        encoding: 'utf8',
      });
      const [, section = ''] = dump.split('containerd.runtimes.runchart]\n');
      assert.match(section, /^\s*runtime_type = "io\.containerd\.runc\.v2"$/m);
      assert.match(section, /runtimes\.runchart\.options\]\n\s*BinaryName = "\/usr\/local\/bin\/runchart"\n/);
    } finally {
      remove();
    }
  });

  it('names the handler of the class as the nodes do', () => {
    const handler = /^handler: (.*)$/m.exec(snippet('runtimeclass.yaml'))?.[1];
    assert.ok(snippet('config.toml').includes(`.containerd.runtimes.${handler}]`));
    assert.ok(snippet('crio.conf').includes(`[crio.runtime.runtimes.${handler}]`));
    assert.match(snippet('runtimeclass.yaml'), new RegExp(`^ {2}runtimeClassName: ${handler}$`, 'm'));
  });
});
