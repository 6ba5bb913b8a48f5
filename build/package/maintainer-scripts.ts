/**
 * What dpkg runs around an installation (deb-postinst(5) and others). Nothing is started or enabled: the resident mode
 * is for those who switch it on. Containers outlive an upgrade, since nothing of the package runs in them.
 */

import { CACHE_FOLDER } from '../../effects/seccomp/cache.ts';

const UNITS = 'runchart.socket runchart.service';

/** systemd is asked only where it runs. */
const withSystemd = (command: string): string => `if [ -d /run/systemd/system ]; then ${command}; fi`;

const script = (...lines: readonly string[]): string => ['#!/bin/sh', 'set -e', ...lines, ''].join('\n');

export const MAINTAINER_SCRIPTS: ReadonlyMap<string, string> = new Map([
  [
    'postinst',
    script(
      // A resident engine of the version before finishes what it does, and gives way.
      `[ "$1" = configure ] || exit 0`,
      withSystemd(`systemctl daemon-reload; systemctl try-restart ${UNITS} || true`),
    ),
  ],
  ['prerm', script('[ "$1" = remove ] || exit 0', withSystemd(`systemctl stop ${UNITS} 2> /dev/null || true`))],
  [
    'postrm',
    script(
      withSystemd('systemctl daemon-reload'),
      '[ "$1" = purge ] || exit 0',
      // Compiled seccomp profiles go. The state of containers that are still there is not thrown away.
      `rm -rf /run/runchart/${CACHE_FOLDER}`,
      'rmdir /run/runchart 2> /dev/null || true',
    ),
  ],
]);
