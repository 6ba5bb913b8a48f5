/**
 * Runs test files on arm64: it links runchart for arm64, and runs the files in a small Debian of that architecture,
 * which qemu emulates, with cgroup v2 and without systemd. `npm run test:arm64 -- FILE…`. It is no part of `npm test`.
 *
 * It needs root, qemu-system-arm, mmdebstrap, e2fsprogs and gcc-aarch64-linux-gnu. SUITE names another release of
 * Debian than this machine's, and KERNEL a package of it. With SUITE=trixie, linux-image-arm64-16k has pages of 16 kB.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { link } from '../../build/link.ts';
import { provideArchitecture } from '../../build/other-architecture.ts';
import { debianSources, sourcesFor } from './apt-sources.ts';
import { makeFileSystem } from './file-system.ts';
import { writeFirstRoot } from './first-root.ts';
import { MOUNTED, payload } from './payload.ts';

const PACKAGES = [
  ...'base-files libc-bin libc6 libgcc-s1 libstdc++6 libseccomp2 busybox-static bash runc criu iproute2'.split(' '),
  ...'coreutils util-linux mount procps uidmap gcc libc6-dev'.split(' '),
];
/**
 * Modules that find the disks, unless the kernel has them built in. Each round loads what the one before has made
 * possible.
 */
const MODULES = 'virtio,virtio_ring,virtio_pci*,virtio_blk,crc16,crc32c_generic,mbcache,jbd2,ext4,overlay,loop';
const LOAD = 'for round in 1 2 3 4; do for m in /modules/*; do /bin/busybox insmod $m 2> /dev/null; done; done';

const FIRST_INIT = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
${LOAD}
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount -o move /dev /root/dev
exec /bin/busybox switch_root /root /init
`;

/** @param files paths from the root of the repository */
const init = (files: readonly string[]): string => `#!/bin/busybox sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/busybox HOME=/root
export BUN_JSC_useJIT=0 RUNCHART_TEST_PATIENCE=10
/bin/busybox mkdir -p /opt/busybox; /bin/busybox --install -s /opt/busybox; ln -sf bash /bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /dev/pts /dev/shm /dev/mqueue; mount -t devpts -o gid=5,mode=620 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm; mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=755 tmpfs /run; chmod 1777 /tmp
ln -s /proc/self/fd /dev/fd; ip link set lo up; hostname arm64
mkdir /sys/fs/cgroup/init.scope; echo 1 > /sys/fs/cgroup/init.scope/cgroup.procs
for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$c > /sys/fs/cgroup/cgroup.subtree_control; done
mount -o ro -t ext4 /dev/vdb ${MOUNTED}; cd ${MOUNTED}
uname -rm; getconf PAGESIZE
for f in ${files.join(' ')}; do
  timeout 900 node_modules/.bin/bun ${MOUNTED}/$f < /dev/null > /tmp/printed 2>&1; status=$?
  if [ $status = 0 ]; then tail -n 3 /tmp/printed; else cat /tmp/printed; fi
  echo "FILE $status $f"
done
poweroff -f
`;

const repository = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'runchart-arm64-'));
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

provideArchitecture(repository, 'arm64');
await link(repository, join(work, 'dist'), 'arm64');
makeRoot(join(work, 'root'));
makeFirstRoot(join(work, 'root'));
await makeFileSystem(join(work, 'root'), join(work, 'root.img'), '3G');
await payload(repository, work, { files: [] }, { arch: 'arm64', dist: join(work, 'dist') });
const failed = await boot();
console.log(failed.length === 0 ? 'all passed' : `failed: ${failed.join(' ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Packages are only unpacked, since their scripts would need an emulator of their own. */
function makeRoot(root: string): void {
  const { SUITE: suite = debianSources('/etc').codename, KERNEL: kernel = 'linux-image-cloud-arm64' } = process.env;
  const { options, lists } = sourcesFor(suite, work);
  const flags = ['--quiet', '--architectures=arm64', '--variant=extract', '--mode=root', ...options];
  run('mmdebstrap', ...flags, `--include=${[...PACKAGES, kernel].join(',')}`, suite, root, ...lists);
  for (const name of ['dev', 'home', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', MOUNTED])
    mkdirSync(join(root, name), { recursive: true });
  const entries = {
    passwd: 'root:x:0:0::/root:/bin/sh\ntester:x:1000:1000::/tmp:/bin/sh',
    group: 'root:x:0:\ntester:x:1000:',
  };
  const ranges = { subuid: 'tester:100000:65536', subgid: 'tester:100000:65536' };
  for (const [name, text] of Object.entries({ ...entries, ...ranges }))
    writeFileSync(join(root, 'etc', name), `${text}\n`);
  writeFileSync(join(root, 'init'), init(process.argv.slice(2)), { mode: 0o755 });
}

/** Makes what the kernel starts with: busybox, and the modules that reach the disks. */
function makeFirstRoot(root: string): void {
  const found = globSync(`{,usr/}lib/modules/*/kernel/**/{${MODULES}}.ko*`, { cwd: root });
  const modules = found.map((path) => join(root, path));
  writeFirstRoot(work, { init: FIRST_INIT, busybox: join(root, 'bin/busybox'), modules });
  cpSync(join(root, globSync('boot/vmlinuz-*', { cwd: root })[0] ?? 'boot/vmlinuz'), join(work, 'vmlinuz'));
}

/** @returns the files that failed */
async function boot(): Promise<string[]> {
  const machine = '-M virt -cpu max,pauth-impdef=on -accel tcg,thread=multi -smp 2 -m 2560 -nodefaults -display none';
  const boots = '-no-reboot -serial stdio -kernel vmlinuz -initrd initrd.gz';
  const disks = ['root.img,snapshot=on', 'payload.img,readonly=on'].map(
    (file) => `-drive file=${file},format=raw,if=virtio`,
  );
  const options = [machine, boots, ...disks].join(' ').split(' ');
  const kernel = 'console=ttyAMA0 quiet panic=-1 audit=0';
  const qemu = ['--pdeathsig', 'KILL', 'nice', '-n', '19', 'qemu-system-aarch64', ...options, '-append', kernel];
  const child = spawn('setpriv', qemu, { cwd: work, stdio: ['ignore', 'pipe', 'inherit'] });
  const left = new Set(process.argv.slice(2));
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    left.delete(/^FILE 0 (\S+)/.exec(line)?.[1] ?? '');
  }
  return [...left];
}
