/** Mount options whose effect takes more than a flag: tmpcopyup, remount, recursive attributes, propagation. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Mount } from '../../spec/types.ts';
import { noContainers } from './bundle.ts';
import { writableShell } from './configs.ts';
import { containers } from './containers.ts';
import { type MountLine, topMount } from './mountinfo.ts';

const skip = noContainers;
const host = containers('mount-options');
after(() => host.close());

const has = (mount: MountLine | undefined, ...options: readonly string[]): boolean =>
  options.every((option) => mount?.options.includes(option));

/** Makes a folder with another one mounted in it, as long as `action` runs. */
async function withNested(name: string, action: (source: string) => Promise<void>): Promise<void> {
  const source = join(host.path, name);
  mkdirSync(join(source, 'below'), { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', join(source, 'below')]);
  try {
    await action(source);
  } finally {
    execFileSync('umount', [join(source, 'below')]);
  }
}

suite('tmpcopyup', { skip }, () => {
  const upper: Mount = { destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] };

  test('fills a tmpfs with what it covers: content, owners, permissions, times', async () => {
    const prepare = (rootfs: string) => {
      const etc = join(rootfs, 'etc');
      mkdirSync(join(etc, 'deep/deeper'), { recursive: true });
      writeFileSync(join(etc, 'deep/deeper/file'), 'x'.repeat(300_000));
      writeFileSync(join(etc, 'program'), '');
      chownSync(join(etc, 'program'), 12, 34);
      chmodSync(join(etc, 'program'), 0o4755);
      utimesSync(join(etc, 'program'), 1000, 2000);
      symlinkSync('program', join(etc, 'link'));
      symlinkSync('/nowhere', join(etc, 'dangling'));
      execFileSync('mkfifo', [join(etc, 'fifo')]);
      execFileSync('mknod', [join(etc, 'device'), 'c', '1', '3']);
      for (let i = 0; i < 600; i++) writeFileSync(join(etc, `many-${i}`), `${i}\n`);
      chmodSync(etc, 0o751);
      chmodSync(join(etc, 'deep'), 0o700);
    };
    const script = [
      'cd /etc; stat -c "%n %f %u:%g %Y" . program deep',
      'readlink link; readlink dangling',
      'wc -c < deep/deeper/file',
      'stat -c "%F" fifo device',
      'cat many-* | sort -n | tail -n 1',
      'grep " /etc " /proc/mounts | head -c 5',
    ].join('; ');
    const { output, status } = await host.run('copy', writableShell(script, upper), { prepare });
    assert.equal(status, 0, output);
    const [dir = '', program, deep = '', ...rest] = output.split('\n');
    assert.match(dir, /^\. 41e9 0:0 /);
    assert.equal(program, 'program 89ed 12:34 2000');
    assert.match(deep, /^deep 41c0 0:0 /);
    assert.deepEqual(rest, ['program', '/nowhere', '300000', 'fifo', 'character special file', '599', 'tmpfs']);
  });

  test('copies names and links that are not UTF-8', async () => {
    const prepare = (rootfs: string) => {
      const name = (text: string) => Buffer.concat([Buffer.from(join(rootfs, 'etc/')), Buffer.from(text, 'latin1')]);
      mkdirSync(name('folder-\xff'));
      writeFileSync(name('folder-\xff/file-\xfe'), 'found\n');
      symlinkSync(Buffer.from('file-\xfe', 'latin1'), name('folder-\xff/link-\xfd'));
      writeFileSync(name('\xef\xbb\xbfmark'), '');
    };
    const script = `cd /etc/"$(printf 'folder-\\377')" && cat "$(printf 'link-\\375')"; cd ..; echo *mark | od -An -c`;
    const { output, status } = await host.run('bytes', writableShell(script, upper), { prepare });
    assert.equal(status, 0, output);
    assert.match(output, /^found\n 357 273 277 +m +a +r +k/);
  });

  test('keeps what it covers as it is, and takes its options', async () => {
    const prepare = (rootfs: string) => writeFileSync(join(rootfs, 'etc/file'), 'old\n');
    const options = ['tmpcopyup', 'ro', 'mode=700', 'size=1m'];
    await using created = await host.create('options', writableShell('cat /etc/file', { ...upper, options }), {
      prepare,
    });
    assert.ok(has(topMount(created.pid, '/etc'), 'ro'));
    assert.equal(await created.finish(), 0);
    assert.equal(created.output(), 'old\n');
  });

  test('has the owner that its options name, else root', async () => {
    const prepare = (rootfs: string) => chownSync(join(rootfs, 'etc'), 12, 34);
    const owner = async (...options: string[]) => {
      const config = writableShell('stat -c %u:%g /etc', { ...upper, options: ['tmpcopyup', ...options] });
      return (await host.run(`owner-${options.length}`, config, { prepare })).output.trim();
    };
    assert.equal(await owner(), '0:0');
    assert.equal(await owner('uid=7', 'gid=8'), '7:8');
  });

  test('fills nothing where nothing was', async () => {
    const config = writableShell('ls /new | wc -l', { ...upper, destination: '/new' });
    assert.equal((await host.run('new', config)).output.trim(), '0');
  });

  test('tells when there is no room', async () => {
    const prepare = (rootfs: string) => writeFileSync(join(rootfs, 'etc/file'), 'x'.repeat(100_000));
    const config = writableShell('true', { ...upper, options: ['tmpcopyup', 'size=8k'] });
    await assert.rejects(host.run('full', config, { prepare }), /mount tmpfs on \/etc: copy what it covers: ENOSPC/);
  });
});

suite('remount', { skip }, () => {
  const data: Mount = { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] };

  test('gives a file system other options, and its mount others too', async () => {
    const again: Mount = { destination: '/data', type: 'none', options: ['remount', 'size=2m', 'nosuid', 'ro'] };
    await using created = await host.create('remount', writableShell('true', data, again));
    const mount = topMount(created.pid, '/data');
    assert.ok(has(mount, 'ro', 'nosuid'));
    assert.ok(mount?.superOptions.includes('size=2048k') && mount.superOptions.includes('ro'));
  });

  test('with bind changes the mount alone', async () => {
    const again: Mount = { destination: '/data', type: 'none', options: ['bind', 'remount', 'ro', 'noexec'] };
    await using created = await host.create('bind', writableShell('true', data, again));
    const mount = topMount(created.pid, '/data');
    assert.ok(has(mount, 'ro', 'noexec'));
    assert.ok(mount?.superOptions.includes('rw'));
  });

  test('is refused where nothing is mounted', async () => {
    const again: Mount = { destination: '/tmp', type: 'none', options: ['remount', 'ro'] };
    await assert.rejects(host.run('nothing', writableShell('true', again)), /remount \/tmp: EINVAL/);
    const missing = { ...again, destination: '/missing' };
    await assert.rejects(host.run('missing', writableShell('true', missing)), /remount \/missing: ENOENT/);
  });
});

suite('attributes', { skip }, () => {
  test('reach what is mounted below where they are recursive, and only there', async () => {
    await withNested('recursive', async (source) => {
      for (const [option, below] of [
        ['ro', false],
        ['rro', true],
      ] as const) {
        const mount: Mount = { destination: '/data', source, options: ['rbind', option] };
        await using created = await host.create(option, writableShell('true', mount));
        assert.ok(has(topMount(created.pid, '/data'), 'ro'));
        assert.equal(has(topMount(created.pid, '/data/below'), 'ro'), below);
      }
    });
  });

  test('that are recursive hold for the top too, whatever the order of the options', async () => {
    await withNested('both', async (source) => {
      for (const [first, second, readonly] of [
        ['rro', 'rw', true],
        ['rw', 'rro', true],
        ['ro', 'rrw', false],
      ] as const) {
        const mount: Mount = { destination: '/data', source, options: ['rbind', first, second] };
        await using created = await host.create(`${first}-${second}`, writableShell('true', mount));
        for (const path of ['/data', '/data/below'])
          assert.equal(has(topMount(created.pid, path), 'ro'), readonly, `${path} with ${first},${second}`);
      }
    });
  });

  test('each of the recursive ones', async () => {
    await withNested('each', async (source) => {
      const flags = ['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'nosymfollow', 'ro'];
      const mount: Mount = { destination: '/data', source, options: ['rbind', ...flags.map((flag) => `r${flag}`)] };
      await using created = await host.create('each', writableShell('true', mount));
      for (const path of ['/data', '/data/below']) assert.ok(has(topMount(created.pid, path), ...flags), path);
    });
  });

  test('of the source are kept if no option asks for any, and are cleared if one does', async () => {
    await withNested('kept', async (source) => {
      execFileSync('mount', ['-o', 'remount,bind,nosuid,ro,noatime,nodiratime,nosymfollow', join(source, 'below')]);
      const shown = async (...options: string[]) => {
        const mount = { destination: '/data', source: join(source, 'below'), options: ['bind', ...options] };
        await using created = await host.create('kept', writableShell('true', mount));
        return topMount(created.pid, '/data')?.options.join();
      };
      assert.equal(await shown('rprivate'), 'ro,nosuid,noatime,nodiratime,nosymfollow');
      assert.equal(await shown('nodev'), 'rw,nodev,noatime,nodiratime');
      assert.equal(await shown('suid'), 'rw,noatime,nodiratime');
      assert.equal(await shown('ro', 'nodiratime'), 'ro,nodiratime,relatime');
      assert.equal(await shown('ro', 'relatime'), 'ro,relatime');
      assert.equal(await shown('exec', 'atime', 'diratime'), 'rw,noatime,nodiratime');
    });
  });

  test('of a mount are cleared if a remount does not ask for them', async () => {
    const data: Mount = { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec'] };
    const shown = async (...options: string[]) => {
      const again: Mount = { destination: '/data', type: 'none', options: ['remount', ...options] };
      await using created = await host.create('again', writableShell('true', data, again));
      return topMount(created.pid, '/data')?.options.join();
    };
    assert.equal(await shown('bind'), 'rw,nosuid,noexec,relatime');
    assert.equal(await shown('bind', 'nodev'), 'rw,nodev,relatime');
    assert.equal(await shown('size=2m'), 'rw,relatime');
  });
});

suite('propagation of a mount', { skip }, () => {
  for (const [option, expected] of [
    ['private', []],
    ['shared', ['shared']],
    ['unbindable', ['unbindable']],
    ['rshared', ['shared']],
    ['rprivate', []],
  ] as const)
    test(option, async () => {
      const mount: Mount = { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: [option] };
      await using created = await host.create(option, writableShell('true', mount));
      const optional = topMount(created.pid, '/data')?.optional.map((field) => field.replace(/:.*/, ''));
      assert.deepEqual(optional, expected);
    });
});

suite('options about symbolic links', { skip }, () => {
  /** A file, and a link to it, beside each other on the host. */
  function linked(name: string): { readonly file: string; readonly link: string } {
    const folder = join(host.path, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), 'content\n');
    symlinkSync('file', join(folder, 'link'));
    return { file: join(folder, 'file'), link: join(folder, 'link') };
  }

  const bound = (script: string, source: string, destination: string, ...options: readonly string[]) => ({
    ...writableShell(script),
    mounts: [
      ...(writableShell(script).mounts ?? []),
      { destination, source, options: ['bind', ...options] } satisfies Mount,
    ],
  });

  test('a link is followed, unless an option says otherwise', async () => {
    const { link } = linked('followed');
    const { output } = await host.run('followed', bound('cat /data; readlink /data || echo none', link, '/data'));
    assert.equal(output, 'content\nnone\n');
  });

  test('src-nofollow binds the link itself', async () => {
    const { link } = linked('source');
    const script = 'readlink /data; grep -c " /data " /proc/self/mountinfo';
    const { output } = await host.run('source', bound(script, link, '/data', 'src-nofollow'));
    assert.equal(output, 'file\n1\n');
    // A source that is no link is bound as ever.
    const { file } = linked('no-link');
    assert.equal((await host.run('no-link', bound('cat /data', file, '/data', 'src-nofollow'))).output, 'content\n');
  });

  test('dest-nofollow mounts on the link itself', async () => {
    const { link } = linked('destination');
    const prepare = (rootfs: string) => {
      writeFileSync(join(rootfs, 'old'), 'old\n');
      symlinkSync('old', join(rootfs, 'data'));
    };
    const script = 'readlink /data; cat /old';
    const both = bound(script, link, '/data', 'src-nofollow', 'dest-nofollow');
    assert.equal((await host.run('destination', both, { prepare })).output, 'file\nold\n');
    const { output } = await host.run('through', bound('cat /old', link, '/data'), { prepare });
    assert.equal(output, 'content\n');
  });

  test('copy-symlink makes the same link, where there is none or the same', async () => {
    const { link, file } = linked('copied');
    const script = 'readlink /a/b/data; grep -c " /a/b/data " /proc/self/mountinfo';
    const config = bound(script, link, '/a/b/data', 'copy-symlink');
    assert.equal((await host.run('copied', config)).output, 'file\n0\n');
    const same = (rootfs: string) => {
      mkdirSync(join(rootfs, 'a/b'), { recursive: true });
      symlinkSync('file', join(rootfs, 'a/b/data'));
    };
    assert.equal((await host.run('same', config, { prepare: same })).output, 'file\n0\n');
    for (const [name, make] of [
      ['other', (path: string) => symlinkSync('elsewhere', path)],
      ['taken', (path: string) => writeFileSync(path, '')],
    ] as const) {
      const prepare = (rootfs: string) => {
        mkdirSync(join(rootfs, 'a/b'), { recursive: true });
        make(join(rootfs, 'a/b/data'));
      };
      await assert.rejects(host.run(name, config, { prepare }), /link \/a\/b\/data to file: EEXIST/, name);
    }
    // What is no link is bound.
    assert.equal((await host.run('bound', bound('cat /data', file, '/data', 'copy-symlink'))).output, 'content\n');
  });

  test('no link of the image leads a copied link out of it', async () => {
    const { link } = linked('hostile');
    const outside = join(host.path, 'outside');
    mkdirSync(outside);
    const prepare = (rootfs: string) => symlinkSync(outside, join(rootfs, 'a'));
    await host.run('hostile', bound('true', link, '/a/data', 'copy-symlink'), { prepare });
    assert.deepEqual(readdirSync(outside), []);
  });

  test('options that contradict each other are refused', async () => {
    const { link } = linked('contradicting');
    await assert.rejects(
      host.run('both', bound('true', link, '/data', 'copy-symlink', 'src-nofollow')),
      /"copy-symlink" cannot stand beside/,
    );
  });
});
