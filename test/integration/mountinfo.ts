/** /proc/PID/mountinfo, proc_pid_mountinfo(5). */

import { readFileSync } from 'node:fs';

export interface MountLine {
  readonly line: string;
  /** Of the file system: what of it is mounted. */
  readonly root: string;
  readonly point: string;
  /** Of the mount. */
  readonly options: readonly string[];
  /** `shared:1`, `master:2`, … */
  readonly optional: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** In the order in which they were mounted. */
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
 * The host's mounts, but for what others on this machine mount in temporary folders and caches of theirs meanwhile
 * (the image of the test machine, say).
 * @param folder of the test file
 */
export const hostMounts = (folder: string): readonly MountLine[] =>
  mountsOf('self').filter(
    ({ point }) => point.startsWith(`${folder}/`) || !/^\/(tmp|var\/tmp|run)\/|\/\.cache\//.test(point),
  );

/** The topmost mount on a path. */
export const topMount = (pid: number | 'self', path: string): MountLine | undefined =>
  mountsOf(pid).findLast(({ point }) => point === path);
