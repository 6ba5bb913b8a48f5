/** The Debian package and the tarball: what is in them, and that a second build gives the same bytes. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findProgram, hostArch } from '../../../build/compiler.ts';

const root = join(import.meta.dirname, '../../..');
const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, {
    cwd: root,
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
  });

/** npm writes the bill of materials since its version 10; Debian's are older. */
const npmIsOld = Number(run('npm', '--version').split('.')[0]) < 10;
const lacking = ['dpkg-deb', 'readelf', 'tar'].find((name) => findProgram(name) === undefined);
const skip = npmIsOld ? 'npm is older than 10' : lacking === undefined ? false : `${lacking} is not installed`;

describe('npm run package', { skip }, () => {
  let folder: string;
  let unpacked: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-package-`));
    for (const into of ['one', 'two'])
      run('node_modules/.bin/bun', 'build/package/package.ts', '--arch', hostArch(), '--into', join(folder, into));
    unpacked = join(folder, 'unpacked');
    run('dpkg-deb', '--raw-extract', made('.deb'), unpacked);
  });
  after(() => rmSync(folder, { recursive: true }));

  const made = (end: string, into = 'one'): string =>
    join(folder, into, globSync(`*${end}`, { cwd: join(folder, into) })[0] ?? `no ${end}`);

  it('gives the same bytes twice', () => {
    const ends = ['.deb', '.tar.gz', '.cdx.json'];
    const sums = (into: string) =>
      ends.map((end) =>
        createHash('sha256')
          .update(readFileSync(made(end, into)))
          .digest('hex'),
      );
    assert.deepEqual(sums('one'), sums('two'));
    assert.equal(new Set(sums('one')).size, ends.length);
  });

  it('the command works from where it is unpacked, and by its link', () => {
    const command = join(unpacked, 'usr/bin/runchart');
    assert.match(run(command, '--version'), /^runchart version /);
    assert.match(run(command, 'features'), /"ociVersionMin"/);
  });

  it('the checksums are right, and nothing but links is without one', () => {
    const lines = readFileSync(join(unpacked, 'DEBIAN/md5sums'), 'utf8').trim().split('\n');
    const listed = lines.map((line) => line.split('  '));
    for (const [sum, path = ''] of listed)
      assert.equal(
        createHash('md5')
          .update(readFileSync(join(unpacked, path)))
          .digest('hex'),
        sum,
        path,
      );
    const files = run('find', join(unpacked, 'usr'), '-type', 'f', '-printf', 'usr/%P\n').trim().split('\n');
    assert.deepEqual(files.sort(), listed.map(([, path]) => path).sort());
  });

  it('belongs to root, and nobody else may write to it', () => {
    const lines = run('dpkg-deb', '--contents', made('.deb')).trim().split('\n');
    assert.ok(lines.length > 40);
    for (const line of lines) assert.match(line, /^(l|[d-].{4}-..-.) ?.* root\/root /);
    assert.ok(lines.every((line) => line.startsWith('l') || line[8] === '-'));
  });

  it('says what it needs: the C library that its programs name, and no later one', () => {
    const control = readFileSync(join(unpacked, 'DEBIAN/control'), 'utf8');
    const [, glibc = ''] = /^Depends: libc6 \(>= ([\d.]+)\), libseccomp2/m.exec(control) ?? [];
    const programs = ['runchart-engine', 'koffi.node'].map((name) => join(unpacked, 'usr/lib/runchart', name));
    const named = programs.flatMap((path) => run('readelf', '-WV', path).match(/GLIBC_[\d.]+/g) ?? []);
    const versions = named.map((name) => name.slice('GLIBC_'.length));
    assert.equal(versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1), glibc);
  });

  it('brings systemd units that start what it brings, and enables none', () => {
    const unit = readFileSync(join(unpacked, 'usr/lib/systemd/system/runchart.service'), 'utf8');
    assert.match(unit, /^ExecStart=\/usr\/lib\/runchart\/runchart serve$/m);
    assert.ok(!unit.includes('/usr/local'));
    assert.ok(!existsSync(join(unpacked, 'etc')));
  });

  it('brings manual pages, completions, and a licence text of each package that is linked in', () => {
    for (const path of [
      'lib/runchart/page/index.html',
      'lib/systemd/system/runchart.service',
      'lib/systemd/system/runchart.socket',
      'share/man/man8/runchart-run.8.gz',
      'share/bash-completion/completions/runchart',
      'share/zsh/vendor-completions/_runchart',
      'share/fish/vendor_completions.d/runchart.fish',
    ])
      assert.ok(statSync(join(unpacked, 'usr', path)).size > 0, path);
    const documents = join(unpacked, 'usr/share/doc/runchart');
    const { components } = JSON.parse(readFileSync(join(documents, 'runchart.cdx.json'), 'utf8'));
    const copyright = readFileSync(join(documents, 'copyright'), 'utf8');
    const names: readonly string[] = components.map(({ name }: { readonly name: string }) => name);
    for (const name of ['@oclif/core', 'koffi', 'xstate', 'zod', '@oven/bun-linux-']) {
      assert.ok(
        names.some((one) => one.startsWith(name)),
        name,
      );
      assert.ok(copyright.includes(`linked in: ${name}`), name);
    }
    assert.ok(!names.includes('playwright-core') && !names.includes('@biomejs/biome'), names.join(' '));
    const texts = names.filter((name) => existsSync(join(documents, 'licences', name.replace('/', '-'))));
    // Bun's package, and two small ones, have none.
    assert.ok(texts.length >= names.length - 3, names.filter((name) => !texts.includes(name)).join(' '));
  });

  it('the bill of materials is the one beside it, complete and closed', () => {
    const bill = JSON.parse(readFileSync(made('.cdx.json'), 'utf8'));
    assert.equal(bill.bomFormat, 'CycloneDX');
    assert.match(bill.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const refs = new Set(bill.components.map((one: { readonly 'bom-ref': string }) => one['bom-ref']));
    refs.add(bill.metadata.component['bom-ref']);
    for (const { ref, dependsOn } of bill.dependencies)
      for (const one of [ref, ...dependsOn]) assert.ok(refs.has(one), one);
    for (const { hashes, licenses } of bill.components) assert.ok(hashes.length > 0 && licenses.length > 0);
  });
});
