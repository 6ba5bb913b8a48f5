/** Runs commands in a root file system as if it were a machine, with mounts, processes and cgroups of its own. */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/**
 * Becomes the first process of its namespaces. It waits for every process that becomes its child, as a machine's init
 * does.
 */
const INIT = `
mount --make-rprivate /
mount --bind "$0" "$0"
cd "$0"
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount --rbind /sys sys
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
hostname fresh
mkdir -p old
pivot_root . old
umount -l /old
rmdir /old
exec sh -c 'sh -c "$0"; exit $?' "$1"
`;
const NAMESPACES = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL'];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** The variables by which this machine reaches the network. */
const PASSED_ON = /^(https?|no)_proxy$/i;

interface Ended {
  readonly status: number | null;
  /** Standard output and standard error, in the order in which they came. */
  readonly output: string;
  readonly seconds: number;
}

export class Inside implements AsyncDisposable {
  readonly #root: string;
  readonly #signal: AbortSignal;
  readonly #cgroups: readonly string[];

  constructor(root: string, signal: AbortSignal) {
    this.#root = root;
    this.#signal = signal;
    this.#cgroups = ownCgroups().map((parent) => join(parent, `runchart-fresh-${process.pid}`));
    this.#cgroups.forEach(makeCgroup);
  }

  /** When it resolves, the processes of the command have ended, and so have those that it left behind. */
  async run(command: string): Promise<Ended> {
    const started = performance.now();
    const enter = this.#cgroups.map((cgroup) => `echo $$ > ${cgroup}/cgroup.procs`).join('; ');
    const child = spawn(
      'sh',
      // If this process is killed, the first process of the namespaces is killed too.
      ['-ec', `${enter}\nexec setpriv --pdeathsig KILL unshare "$@"`, 'sh', ...NAMESPACES].concat([
        'sh',
        '-ec',
        INIT,
        this.#root,
        command,
      ]),
      { stdio: ['ignore', 'pipe', 'pipe'], env: environment(), signal: this.#signal, killSignal: 'SIGKILL' },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const status = await new Promise<number | null>((resolve) => {
      child.once('error', (error) => {
        output += `${error.message}\n`;
      });
      child.once('close', (code) => resolve(code));
    });
    return { status, output, seconds: (performance.now() - started) / 1000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cgroup of this.#cgroups) await removeCgroup(cgroup);
  }
}

function environment(): Record<string, string> {
  const passed = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
  const certificates = { NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' };
  return { ...Object.fromEntries(passed), PATH, HOME: '/root', LANG: 'C.UTF-8', ...certificates } as Record<
    string,
    string
  >;
}

/**
 * Finds the cgroup of this process in each hierarchy. On a machine with cgroup v2 alone, there is none to use: a cgroup
 * with processes cannot have limited cgroups below it.
 */
function ownCgroups(): string[] {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) return [];
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return readFileSync('/proc/self/cgroup', 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      const wanted = controllers.replace('name=', '').split(',');
      const mount = mounts.find((entry) => {
        const [, type, options = ''] = / - (cgroup2?) \S+ (\S+)$/.exec(entry) ?? [];
        if (controllers === '') return type === 'cgroup2';
        return type === 'cgroup' && wanted.every((name) => options.replace('name=', '').split(',').includes(name));
      });
      const point = mount?.split(' ')[4];
      return point === undefined ? [] : [join(point, path)];
    });
}

/** A new cpuset of cgroup v1 is empty. It takes no process before it has CPUs and memory. */
function makeCgroup(cgroup: string): void {
  mkdirSync(cgroup);
  for (const name of ['cpuset.cpus', 'cpuset.mems'])
    if (existsSync(join(cgroup, name)))
      writeFileSync(join(cgroup, name), readFileSync(join(cgroup, '..', name), 'utf8').trim());
}

/** Removes a cgroup and those below it, as soon as the kernel is done with the processes that were killed. */
async function removeCgroup(cgroup: string): Promise<void> {
  for (const entry of readdirSync(cgroup, { withFileTypes: true }))
    if (entry.isDirectory()) await removeCgroup(join(cgroup, entry.name));
  for (let tries = 1; ; tries++) {
    try {
      return rmdirSync(cgroup);
    } catch (error) {
      if (tries === 300 || !(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error;
      await setTimeout(100);
    }
  }
}
