/** What keeps a container from starting, one fault each, and what is to be said about it. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, Mount, Process } from '../../../spec/types.ts';
import { elf, OTHER_MACHINE, OWN_MACHINE } from './elf.ts';

type Whole = Config & { process: Process };

/** The facts that the JSON log has. */
interface Facts {
  readonly phase?: string;
  readonly syscall?: string;
  readonly errno?: string;
  readonly path?: string | RegExp;
}

export interface Fault {
  readonly title: string;
  /** Changes the config of a container that would run. */
  readonly config?: (config: Whole, bundle: string) => Config;
  /** Changes the bundle. */
  readonly prepare?: (bundle: string) => void;
  /** Undoes what `prepare` did outside of plain files. */
  readonly restore?: (bundle: string) => void;
  /** What our line says behind the words that it shares with runc's. */
  readonly says: RegExp;
  readonly facts: Facts;
  /** Part of the advice that `explain` gives. */
  readonly advice: RegExp;
  /** What is said depends on what else the host has. */
  readonly varies?: true;
  /** Why it cannot be tried here. */
  readonly skip?: string | false;
}

const runs =
  (...args: string[]) =>
  (config: Whole): Config => ({ ...config, process: { ...config.process, args } });

const asNobody =
  (...args: string[]) =>
  (config: Whole): Config => ({
    ...config,
    process: { ...config.process, args, user: { uid: 1000, gid: 1000 }, capabilities: {} },
  });

const mounts =
  (make: (bundle: string) => readonly Mount[]) =>
  (config: Whole, bundle: string): Config => ({ ...config, mounts: [...(config.mounts ?? []), ...make(bundle)] });

const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'bind',
  source,
  options: ['bind', ...options],
});

const program =
  (content: string | Buffer, mode = 0o755) =>
  (bundle: string) => {
    writeFileSync(join(bundle, 'rootfs/bin/program'), content);
    chmodSync(join(bundle, 'rootfs/bin/program'), mode);
  };

const linux = (change: (config: Whole) => Partial<NonNullable<Config['linux']>>) => (config: Whole) => ({
  ...config,
  linux: { ...config.linux, ...change(config) },
});

const resources = (more: NonNullable<NonNullable<Config['linux']>['resources']>) =>
  linux((config) => ({ resources: { ...config.linux?.resources, ...more } }));

/** @param size how many ids are mapped */
const userNamespace = (size: number) =>
  linux((config) => ({
    namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' }],
    uidMappings: [{ containerID: 0, hostID: 100_000, size }],
    gidMappings: [{ containerID: 0, hostID: 100_000, size }],
  }));

const OWN_NAME = OWN_MACHINE === 183 ? 'arm64' : 'x86_64';
const OTHER_NAME = OWN_MACHINE === 183 ? 'x86_64' : 'arm64';
const EXECVE = { phase: 'start', syscall: 'execve' } as const;
const LOOKING = { phase: 'process' } as const;
const MOUNTING = { phase: 'mounts' } as const;
const hasAppArmor = existsSync('/sys/module/apparmor');
const hasSelinux = existsSync('/sys/fs/selinux/enforce');

export const PROGRAMS: readonly Fault[] = [
  {
    title: 'The program is not in $PATH',
    config: runs('no-such'),
    says: /executable file not found in \$PATH$/,
    facts: { ...LOOKING, errno: 'ENOENT', path: 'no-such' },
    advice: /--trace/,
  },
  {
    title: 'There is no $PATH',
    config: (config) => ({ ...config, process: { ...config.process, args: ['sh'], env: [] } }),
    says: /executable file not found in \$PATH \(process\.env has no PATH\)$/,
    facts: { ...LOOKING, errno: 'ENOENT' },
    advice: /Give PATH in process\.env/,
  },
  {
    title: 'The program is missing',
    config: runs('/opt/app/start'),
    says: /no such file or directory \(the program, \/opt\/app\/start, is missing: there is no \/opt\)$/,
    facts: { ...LOOKING, syscall: 'statx', errno: 'ENOENT', path: '/opt/app/start' },
    advice: /Put it into the image/,
  },
  {
    title: 'The program is a symlink to nothing',
    prepare: (bundle) => symlinkSync('/nowhere/program', join(bundle, 'rootfs/bin/program')),
    config: runs('/bin/program'),
    says: /\(the program, \/bin\/program, leads by the symlink \/bin\/program to \/nowhere\/program, which /,
    facts: { ...LOOKING, syscall: 'statx', errno: 'ENOENT', path: '/bin/program' },
    advice: /Put it into the image/,
  },
  {
    title: 'The interpreter of a script is missing',
    prepare: program('#!/usr/bin/python3 -u\n'),
    config: runs('/bin/program'),
    says: /\(the interpreter that the first line of \/bin\/program names, \/usr\/bin\/python3, is missing: /,
    facts: { ...EXECVE, errno: 'ENOENT', path: '/usr/bin/python3' },
    advice: /Put its interpreter into the image/,
  },
  {
    title: 'A script has the line ends of Windows',
    prepare: program('#!/bin/sh\r\necho hello\r\n'),
    config: runs('/bin/program'),
    says: /\(the first line of \/bin\/program ends with a carriage return \(\\r\), .* "\/bin\/sh\\r"\)$/,
    facts: { ...EXECVE, errno: 'ENOENT', path: '/bin/program' },
    advice: /line ends of Unix/,
  },
  {
    title: 'The loader of a program is missing',
    prepare: program(elf(OWN_MACHINE, '/lib/ld-musl.so.1')),
    config: runs('/bin/program'),
    says: /\(the interpreter of \/bin\/program, \/lib\/ld-musl\.so\.1, is missing: there is no \/lib\)$/,
    facts: { ...EXECVE, errno: 'ENOENT', path: '/lib/ld-musl.so.1' },
    advice: /glibc or musl/,
  },
  {
    title: 'The program is for another machine',
    prepare: program(elf(OTHER_MACHINE)),
    config: runs('/bin/program'),
    says: new RegExp(`\\(the program, /bin/program, is for ${OTHER_NAME}, and this machine is ${OWN_NAME}\\)$`),
    facts: { ...EXECVE, errno: 'ENOEXEC', path: '/bin/program' },
    advice: /Use an image for/,
  },
  {
    title: 'A script without a first line that names its interpreter',
    prepare: program('echo hello\n'),
    config: runs('/bin/program'),
    says: /\(the program, \/bin\/program, is no program: it has neither an ELF header nor a first line with #!\)$/,
    facts: { ...EXECVE, errno: 'ENOEXEC', path: '/bin/program' },
    advice: /#!\/bin\/sh/,
  },
  {
    title: 'The program is an empty file',
    prepare: program(''),
    config: runs('/bin/program'),
    says: /\(the program, \/bin\/program, is an empty file\)$/,
    facts: { ...EXECVE, errno: 'ENOEXEC', path: '/bin/program' },
    advice: /Put a program there/,
  },
  {
    title: 'The program has no x permission',
    prepare: program('#!/bin/sh\n', 0o644),
    config: runs('/bin/program'),
    says: /permission denied \(the program, \/bin\/program, has no x permission: mode 0644, owner 0:0\)$/,
    facts: { ...LOOKING, syscall: 'faccessat2', errno: 'EACCES', path: '/bin/program' },
    advice: /chmod \+x \/bin\/program/,
  },
  {
    title: 'The user may not enter a directory on the way',
    prepare(bundle) {
      mkdirSync(join(bundle, 'rootfs/srv/app'), { recursive: true });
      chmodSync(join(bundle, 'rootfs/srv'), 0o700);
      writeFileSync(join(bundle, 'rootfs/srv/app/start'), '#!/bin/sh\n', { mode: 0o755 });
    },
    config: asNobody('/srv/app/start'),
    says: /permission denied \(user 1000:1000 may not enter \/srv: mode 0700, owner 0:0\)$/,
    facts: { ...LOOKING, errno: 'EACCES', path: '/srv' },
    advice: /x permission of that directory/,
  },
  {
    title: 'The program is on a mount with noexec',
    config: (config, bundle) =>
      mounts(() => [bind(join(bundle, 'rootfs/bin'), '/mnt', 'noexec')])(runs('/mnt/sh')(config) as Whole, bundle),
    says: /permission denied \(the program, \/mnt\/busybox, is on a mount with noexec: \/mnt\)$/,
    facts: { ...LOOKING, errno: 'EACCES', path: '/mnt/busybox' },
    advice: /Take noexec from the options/,
  },
  {
    title: 'A variable of the environment is too long',
    config: (config) => ({
      ...config,
      process: { ...config.process, env: [...(config.process.env ?? []), `TOKEN=${'x'.repeat(200_000)}`] },
    }),
    says: /argument list too long \(the variable TOKEN alone has more than the 131071 bytes that the kernel takes\)$/,
    facts: { ...EXECVE, errno: 'E2BIG' },
    advice: /in a file/,
  },
  {
    title: 'The seccomp profile forbids execve',
    config: linux(() => ({
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['execve'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
      },
    })),
    says: /operation not permitted \(the seccomp profile forbids execve\)$/,
    facts: { ...EXECVE, errno: 'EPERM' },
    advice: /linux\.seccomp\.syscalls/,
  },
];

export const FILE_SYSTEMS: readonly Fault[] = [
  {
    title: 'The source of a bind is missing',
    varies: true,
    config: mounts(() => [bind('/no/such/data', '/data')]),
    says: /\(mounts\[\d+\]\.source is missing on the host: there is no \/no\)$/,
    facts: { ...MOUNTING, syscall: 'open_tree', errno: 'ENOENT', path: '/no/such/data' },
    advice: /Make it on the host/,
  },
  {
    title: 'A directory is bound on a file',
    prepare: program(''),
    config: mounts((bundle) => [bind(join(bundle, 'rootfs/tmp'), '/bin/program')]),
    says: /ENOTDIR: not a directory \(the mount point \/bin\/program is a file, and what is mounted there .*\)$/,
    facts: { ...MOUNTING, errno: 'ENOTDIR', path: '/bin/program' },
    advice: /correct mounts\[\d+\]\.destination/,
  },
  {
    title: 'A file is bound on a directory',
    prepare: program(''),
    config: mounts((bundle) => [bind(join(bundle, 'rootfs/bin/program'), '/tmp')]),
    says: /EINVAL: invalid argument \(the destination is a directory, the source is not\)$/,
    facts: { ...MOUNTING, errno: 'EINVAL', path: '/tmp' },
    advice: /Mount it on a file/,
  },
  {
    title: 'A file is on the way to a mount point',
    prepare: program(''),
    config: mounts((bundle) => [bind(join(bundle, 'rootfs/tmp'), '/bin/program/data')]),
    says: /\(\/bin\/program, on the way to the mount point, is a file\)$/,
    facts: { ...MOUNTING, errno: 'ENOTDIR', path: '/bin/program' },
    advice: /Correct mounts\[\d+\]\.destination/,
  },
  {
    title: 'A mount point is to be made in a read-only mount',
    prepare(bundle) {
      mkdirSync(join(bundle, 'ro'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'runchart-test', join(bundle, 'ro')]);
    },
    restore: (bundle) => void execFileSync('umount', [join(bundle, 'ro')]),
    config: mounts((bundle) => [bind(join(bundle, 'ro'), '/data'), bind(join(bundle, 'rootfs/tmp'), '/data/sub')]),
    says: /\(the mount point \/data\/sub is not there, and the directory .* made in, \/data, is read-only\)$/,
    facts: { ...MOUNTING, errno: 'EROFS', path: '/data/sub' },
    advice: /Make the mount point beforehand/,
  },
  {
    title: 'The kernel has no such file system',
    config: mounts(() => [{ destination: '/data', type: 'nosuchfs', source: 'none' }]),
    says: /ENODEV: no such device \(this kernel has no file system nosuchfs\)$/,
    facts: { ...MOUNTING, syscall: 'fsopen', errno: 'ENODEV' },
    advice: /modprobe nosuchfs/,
  },
  {
    title: 'The file system knows no such option',
    config: mounts(() => [{ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['sise=1m'] }]),
    says: /EINVAL: invalid argument \(tmpfs: Unknown parameter 'sise'\)$/,
    facts: { ...MOUNTING, syscall: 'fsconfig', errno: 'EINVAL' },
    advice: /Correct mounts\[\d+\]/,
  },
  {
    title: 'The rootfs is missing',
    config: (config) => ({ ...config, root: { path: 'no-rootfs' } }),
    says: /invalid rootfs: stat \S+\/no-rootfs: ENOENT/,
    facts: { errno: 'ENOENT', path: /\/no-rootfs$/ },
    advice: /root\.path/,
  },
  {
    title: 'The working directory is a file',
    prepare: program(''),
    config: (config) => ({ ...config, process: { ...config.process, cwd: '/bin/program' } }),
    says: /not a directory \(ENOTDIR\) \(\/bin\/program is a file\)$/,
    facts: { ...LOOKING, syscall: 'chdir', errno: 'ENOTDIR', path: '/bin/program' },
    advice: /process\.cwd/,
  },
];

export const SETTINGS: readonly Fault[] = [
  {
    title: 'A sysctl is not namespaced',
    config: linux(() => ({ sysctl: { 'kernel.panic': '1' } })),
    says: /sysctl "kernel\.panic" is not in a separate kernel namespace$/,
    facts: { phase: 'config' },
    advice: /Set it on the host/,
  },
  {
    title: 'The kernel has no such sysctl',
    config: linux(() => ({ sysctl: { 'net.ipv4.no_such': '1' } })),
    says: /\(this kernel has no sysctl net\.ipv4\.no_such, or not in the container's namespaces\)$/,
    facts: { phase: 'namespaces', errno: 'ENOENT', path: '/proc/sys/net/ipv4/no_such' },
    advice: /Correct linux\.sysctl/,
  },
  {
    title: 'The memory limit is too low',
    config: resources({ memory: { limit: 4096 } }),
    says: /OOM-killed \(memory limit too low\?\) \(linux\.resources\.memory\.limit is 4096 bytes, and /,
    facts: {},
    advice: /Raise that limit/,
    skip: !existsSync('/sys/fs/cgroup/memory') && 'cgroup v2 here, where it may end otherwise',
  },
  {
    title: 'The host has no such CPU',
    config: resources({ cpu: { cpus: '4095' } }),
    says: /\(the CPUs of the cgroup above, \S+, are [\d,-]+\)$/,
    facts: { phase: 'cgroup' },
    advice: /linux\.resources\.cpu\.cpus/,
    skip: !existsSync('/sys/fs/cgroup/cpuset') && 'cgroup v2 here, which takes CPUs that are not there',
  },
  {
    title: 'A cgroup controller is not there',
    varies: true,
    config: resources({ hugepageLimits: [{ pageSize: '2MB', limit: 1 << 21 }] }),
    says: /\((no cgroup hierarchy with the controller|this kernel has no cgroup controller) hugetlb( is mounted)?\)$/,
    facts: { phase: 'cgroup' },
    advice: /hugetlb/,
    skip: (existsSync('/sys/fs/cgroup/hugetlb') || !existsSync('/sys/fs/cgroup/memory')) && 'hugetlb may be here',
  },
  {
    title: 'The user is not mapped in the user namespace',
    config: (config) => userNamespace(10)({ ...config, process: { ...config.process, user: { uid: 1000, gid: 0 } } }),
    prepare: (bundle) => chmodSync(join(bundle, 'rootfs'), 0o755),
    says: /cannot setuid to unmapped uid 1000 in user namespace \(linux\.uidMappings maps 0 to 9\)$/,
    facts: { phase: 'start', syscall: 'setresuid', errno: 'EINVAL' },
    advice: /Map 1000 too/,
  },
  {
    title: 'The group of devpts is not mapped in the user namespace',
    config: userNamespace(5),
    says: /EINVAL: .*the gid 5 is not mapped in the container's user namespace\)$/,
    facts: { ...MOUNTING, errno: 'EINVAL', path: '/dev/pts' },
    advice: /linux\.gidMappings/,
  },
  {
    title: 'A namespace to join is missing',
    varies: true,
    config: linux((config) => ({
      namespaces: (config.linux?.namespaces ?? []).map((one) =>
        one.type === 'network' ? { ...one, path: '/run/netns/no-such' } : one,
      ),
    })),
    says: /\(the network namespace that linux\.namespaces names, \/run\/netns\/no-such, is missing: there is no /,
    facts: { phase: 'namespaces', errno: 'ENOENT', path: '/run/netns/no-such' },
    advice: /ip netns add/,
  },
  {
    title: 'A limit is above what the kernel allows',
    config: (config) => ({
      ...config,
      process: { ...config.process, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 99_999_999_999 }] },
    }),
    says: /\(fs\.nr_open lets no process have more than \d+ open files\)$/,
    facts: { phase: 'process', syscall: 'prlimit64', errno: 'EPERM' },
    advice: /fs\.nr_open/,
  },
  {
    title: 'AppArmor is off, and the config asks for a profile',
    config: (config) => ({ ...config, process: { ...config.process, apparmorProfile: 'no-such' } }),
    says: /failed to apply profile "no-such": AppArmor is not enabled on this host$/,
    facts: { phase: 'namespaces' },
    advice: /apparmorProfile/,
    skip: hasAppArmor && 'AppArmor is on',
  },
  {
    title: 'SELinux is off, and the config asks for a label',
    config: (config) => ({
      ...config,
      process: { ...config.process, selinuxLabel: 'system_u:system_r:container_t:s0' },
    }),
    says: /selinux label is specified in config, but selinux is disabled or not supported$/,
    facts: { phase: 'namespaces' },
    advice: /labels/,
    skip: hasSelinux && 'SELinux is on',
  },
  {
    title: 'A hook is missing',
    varies: true,
    config: (config) => ({ ...config, hooks: { createRuntime: [{ path: '/opt/hooks/no-such' }] } }),
    says: /\(hooks\.createRuntime\[0\]\.path: the hook, \/opt\/hooks\/no-such, is missing: there is no \/opt\S*\)$/,
    facts: { phase: 'createRuntime hooks', syscall: 'execve', errno: 'ENOENT', path: '/opt/hooks/no-such' },
    advice: /Correct the hook's path/,
  },
  {
    title: 'A hook fails',
    config: (config) => ({
      ...config,
      hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'echo no network >&2; exit 3'] }] },
    }),
    says: /exit status 3, stdout: , stderr: no network$/,
    facts: { phase: 'createRuntime hooks', path: '/bin/sh' },
    advice: /Correct that hook/,
  },
  {
    title: 'The bundle has no config.json',
    prepare: (bundle) => unlinkSync(join(bundle, 'config.json')),
    says: /JSON specification file config\.json not found in \/\S+$/,
    facts: { errno: 'ENOENT', path: /\/config\.json$/ },
    advice: /--bundle/,
  },
  {
    title: 'config.json is no JSON',
    prepare: (bundle) =>
      writeFileSync(join(bundle, 'config.json'), '{\n  "ociVersion": "1.0.2",\n  "process": {,\n}\n'),
    says: /config\.json: line 3, column 15: not valid JSON/,
    facts: { phase: 'config' },
    advice: /Correct config\.json/,
  },
];

export const FAULTS: readonly Fault[] = [...PROGRAMS, ...FILE_SYSTEMS, ...SETTINGS];

/** Removes a bundle whose rootfs may be closed to nobody but root. */
export const removeBundle = (bundle: string): void => rmSync(bundle, { recursive: true, force: true });
