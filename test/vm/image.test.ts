import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aptOptions, debianSources, withoutSuitesBeside } from './apt-sources.ts';
import { cpio } from './cpio.ts';
import { loadOrder } from './modules.ts';
import { recipeKey } from './recipe.ts';

describe('the test machine’s image', () => {
  it('begins with an archive that is one', { skip: noUnpacker() }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
    try {
      const data = Buffer.from('five\n');
      const archive = cpio([
        { path: 'bin', mode: 0o40755 },
        { path: 'bin/five', mode: 0o100754, data },
        { path: 'init', mode: 0o100755, data: Buffer.from('#!') },
      ]);
      execFileSync('/bin/busybox', ['cpio', '-i'], {
        cwd: folder,
        input: archive,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      assert.equal(readFileSync(join(folder, 'bin/five'), 'utf8'), 'five\n');
      assert.equal(statSync(join(folder, 'bin/five')).mode, 0o100754);
      assert.equal(readFileSync(join(folder, 'init'), 'utf8'), '#!');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('loads modules after those that they need, and each once', () => {
    const dependencies = [
      'kernel/drivers/virtio/virtio-pci.ko: kernel/legacy.ko kernel/virtio_ring.ko kernel/virtio.ko',
      'kernel/drivers/block/virtio_blk.ko: kernel/virtio_ring.ko kernel/virtio.ko',
      'kernel/virtio.ko:',
      '',
    ].join('\n');
    assert.deepEqual(loadOrder(dependencies, ['virtio_pci', 'virtio_blk', 'built_in']), [
      ...['kernel/virtio.ko', 'kernel/virtio_ring.ko', 'kernel/legacy.ko', 'kernel/drivers/virtio/virtio-pci.ko'],
      'kernel/drivers/block/virtio_blk.ko',
    ]);
  });

  it('comes from the release’s own sources', () => {
    const etc = mkdtempSync(join(tmpdir(), 'runchart-test-'));
    try {
      mkdirSync(join(etc, 'apt/sources.list.d'), { recursive: true });
      const files = {
        'os-release': 'NAME="Debian"\nVERSION_CODENAME=bookworm\n',
        'apt/sources.list': 'deb [signed-by=/k] http://one bookworm-security main\n',
        'apt/sources.list.d/a.sources': 'Types: deb\nURIs: http://two\nSuites: bookworm bookworm-updates\n',
        'apt/sources.list.d/b.sources': 'Types: deb\nURIs: http://three\nSuites: nodistro\n',
        'apt/sources.list.d/c.list': 'deb http://four tools-bookworm main\n',
        'apt/sources.list.d/d.list.disabled': 'deb http://five bookworm main\n',
      };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(etc, name), text);
      assert.deepEqual(debianSources(etc), {
        codename: 'bookworm',
        files: [join(etc, 'apt/sources.list'), join(etc, 'apt/sources.list.d/a.sources')],
      });
    } finally {
      rmSync(etc, { recursive: true });
    }
  });

  it('comes of sid without the suites that sid does not have', () => {
    const text = [
      'Types: deb\nURIs: http://two/debian\nSuites: sid sid-updates\nComponents: main',
      '# Fixes\nTypes: deb\nURIs: http://two/security\nSuites: sid-security\n',
      'deb [signed-by=/k] http://one sid main\ndeb http://one sid-security main\n',
    ].join('\n\n');
    assert.equal(
      withoutSuitesBeside('sid', text),
      'Types: deb\nURIs: http://two/debian\nSuites: sid\nComponents: main\n\n' +
        'deb [signed-by=/k] http://one sid main\n',
    );
  });

  it('comes the way that this machine’s packages come', () => {
    const dump = [
      'APT::Architecture "amd64";',
      'Acquire "";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::http "";',
      'Acquire::http::Proxy "http://proxy:3128";',
      'Acquire::Languages:: "none";',
    ].join('\n');
    assert.deepEqual(aptOptions(dump), [
      'Acquire::Check-Valid-Until "false";',
      'Acquire::http::Proxy "http://proxy:3128";',
    ]);
  });

  it('has another name when the recipe is another', () => {
    assert.match(recipeKey({ a: 1 }), /^[0-9a-f]{16}$/);
    assert.equal(recipeKey({ a: 1 }), recipeKey({ a: 1 }));
    assert.notEqual(recipeKey({ a: 1 }), recipeKey({ a: 2 }));
  });
});

function noUnpacker(): string | false {
  return spawnSync('/bin/busybox', ['cpio', '--help']).status === 0 ? false : 'busybox-static is not installed';
}
