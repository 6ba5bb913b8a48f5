/** /proc/PID/mountinfo, proc_pid_mountinfo(5). */

import { readFileSync } from 'node:fs';

export interface MountLine {
  readonly line: string;
  /** The part of the file system that is mounted. */
  readonly root: string;
  readonly point: string;
  /** Options of the mount, not of the file system. */
  readonly options: readonly string[];
  /** `shared:1`, `master:2`, … */
  readonly optional: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** The mounts in the order in which they were made. */
export function mountsOf(pid: number | 'self'): readonly MountLine[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , root = '', point = '', options = '', ...optional] = before.split(' ');
      const [type = '', source = '', superOptions = ''] = after.split(' ');
      return {
        line,
        root,
        point,
        options: options.split(','),
        optional,
        type,
        source,
        superOptions: superOptions.split(','),
      };
    });
}

/**
 * The host's mounts, except those that others on this machine make meanwhile in temporary folders and caches, such as
 * the image of the test machine.
 * @param folder the folder of the test file
 */
export const hostMounts = (folder: string): readonly MountLine[] =>
  mountsOf('self').filter(
    ({ point }) => point.startsWith(`${folder}/`) || !/^\/(tmp|var\/tmp|run)\/|\/\.cache\//.test(point),
  );

/** The topmost mount on a path. */
export const topMount = (pid: number | 'self', path: string): MountLine | undefined =>
  mountsOf(pid).findLast(({ point }) => point === path);
