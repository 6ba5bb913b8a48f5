/** Callers that a container is made by in unusual circumstances: what it inherits of them, and who may be served. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface OddCaller {
  readonly name: string;
  /** A command that executes its arguments. */
  readonly through: readonly string[];
  /** Why a resident server must not serve it; false if it must. */
  readonly cold: string | false;
  /** Nothing of it reaches the container's process or a hook. */
  readonly alike?: true;
  /** Containers cannot be made so. Both ways must say the same. */
  readonly fails?: true;
}

const shell = (script: string): readonly string[] => ['sh', '-c', `${script}; exec "$@"`, 'sh'];

/**
 * @param folder of the test: a program is compiled there
 * @param root an empty folder, on which the host's root is mounted in a mount namespace of the caller's own
 */
export function oddCallers(folder: string, root: string): readonly OddCaller[] {
  const odd = join(folder, 'odd-caller');
  execFileSync('gcc', ['-O', '-o', odd, join(import.meta.dirname, 'odd-caller.c')]);
  return [...servedCallers(folder, odd), ...coldCallers(root, odd)];
}

const servedCallers = (folder: string, odd: string): readonly OddCaller[] => [
  { name: 'no odd one', through: ['env'], cold: false, alike: true },
  { name: 'nice 10', through: ['nice', '-n', '10'], cold: false },
  { name: 'the batch scheduler', through: ['chrt', '--batch', '0'], cold: false },
  { name: 'the idle scheduler', through: ['chrt', '--idle', '0'], cold: false },
  { name: 'an I/O priority', through: ['ionice', '-c', '2', '-n', '7'], cold: false },
  { name: 'RLIMIT_NOFILE 64', through: ['prlimit', '--nofile=64:64'], cold: false },
  {
    name: 'other limits',
    through: ['prlimit', '--core=0:0', '--nproc=9999', '--stack=4194304', '--fsize=1000000'],
    cold: false,
  },
  { name: 'umask 077', through: shell('umask 077'), cold: false },
  { name: 'another directory', through: ['env', `--chdir=${folder}`], cold: false },
  { name: 'other descriptors', through: shell('exec 3< /dev/null 5> /dev/null'), cold: false },
  { name: 'an OOM score', through: ['choom', '-n', '500', '--'], cold: false },
  { name: 'one processor', through: ['taskset', '-c', '0'], cold: false },
  { name: 'no random addresses', through: ['setarch', '-R'], cold: false },
  { name: 'a core dump filter', through: shell('echo 0x7 > /proc/self/coredump_filter'), cold: false },
  { name: 'a timer slack', through: [odd, 'timer-slack'], cold: false },
  { name: 'a session keyring', through: [odd, 'keyring'], cold: false },
  { name: 'signals blocked and ignored', through: [odd, 'signals'], cold: false, alike: true },
  { name: 'no new privileges', through: ['setpriv', '--no-new-privs'], cold: false },
  { name: 'another session', through: ['setsid', '--wait'], cold: false, alike: true },
  {
    name: 'another environment',
    through: ['env', '-i', 'PATH=/usr/bin:/bin:/usr/sbin', 'ODD=1', 'LD_ODD=x', 'é=é'],
    cold: false,
  },
];

const coldCallers = (root: string, odd: string): readonly OddCaller[] => [
  { name: 'a seccomp filter', through: [odd, 'seccomp'], cold: 'the server is under no filter' },
  {
    name: 'a root of its own',
    through: ['unshare', '--mount', 'sh', '-c', `mount --rbind / ${root} && exec chroot ${root} "$@"`, 'sh'],
    cold: 'paths mean something else to the server',
  },
  { name: 'closed stdin', through: shell('exec <&-'), cold: 'what the client opens would take its number' },
  { name: 'closed stderr', through: shell('exec 2>&-'), cold: 'what the client opens would take its number' },
  { name: 'a private mount namespace', through: ['unshare', '--mount'], cold: 'the server sees other mounts' },
  { name: 'another network', through: ['unshare', '--net'], cold: 'the container would share the wrong network' },
  { name: 'another host name', through: ['unshare', '--uts'], cold: 'the container would share the wrong name' },
  { name: 'another IPC namespace', through: ['unshare', '--ipc'], cold: 'the container would share the wrong queues' },
  { name: 'another clock', through: ['unshare', '--time', '--boottime', '100000', '--fork'], cold: 'time is another' },
  { name: 'another cgroup namespace', through: ['unshare', '--cgroup'], cold: 'cgroups have other names there' },
  { name: 'fewer capabilities', through: ['setpriv', '--bounding-set=-sys_time'], cold: 'the server may do more' },
  {
    name: 'a user namespace',
    through: ['unshare', '--user', '--map-root-user'],
    cold: 'root there is nobody',
    fails: true,
  },
];
