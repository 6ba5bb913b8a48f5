/** A container as the kernel shows it from outside, without what differs between two that are alike. */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Mounts, devices, limits, identity, descriptors and cgroups of a container's init: what it is confined by and what it can reach. */
export function likeness(pid: number): Readonly<Record<string, unknown>> {
  const proc = `/proc/${pid}`;
  const read = (name: string) => readFileSync(join(proc, name), 'utf8');
  return {
    mounts: read('mountinfo').trim().split('\n').map(mountOf),
    dev: entries(join(proc, 'root/dev')),
    status: read('status')
      .split('\n')
      .filter((line) => /^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp):/.test(line)),
    limits: read('limits').split('\n'),
    cgroup: read('cgroup').split('\n'),
    // A set: the connection to a command that is done is closed in a moment.
    descriptors: [...new Set(readdirSync(join(proc, 'fd')).map((fd) => openedBy(join(proc, 'fd', fd))))].sort(),
    cwd: readlinkSync(join(proc, 'cwd')),
  };
}

/** The file behind a descriptor; it may be closed while we look. */
function openedBy(link: string): string {
  try {
    return readlinkSync(link).replace(/\d+/g, 'N');
  } catch {
    return 'socket:[N]';
  }
}

/** proc_pid_mountinfo(5) without the numbers of mounts, devices and peer groups. */
function mountOf(line: string): string {
  const [, , , root, point, options, ...rest] = line.split(' ');
  const optional = rest.slice(0, rest.indexOf('-')).map((field) => field.replace(/\d+/g, 'N'));
  return [root, point, options, ...optional, ...rest.slice(rest.indexOf('-'))].join(' ');
}

function entries(folder: string): readonly string[] {
  return readdirSync(folder).map((name) => {
    const path = join(folder, name);
    const { mode, rdev, uid, gid } = lstatSync(path);
    const target = (mode & 0o170000) === 0o120000 ? ` -> ${readlinkSync(path)}` : '';
    return `${name} ${mode.toString(8)} ${rdev} ${uid}:${gid}${target}`;
  });
}
