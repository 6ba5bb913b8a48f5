/** crun's tests: `tests/test_*.py` of a checkout of github.com/containers/crun. */

import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { program, quoted } from '../../engines/program.ts';
import type { Suite } from '../suite.ts';

/**
 * Stands before our runtime for the flags that crun names otherwise: the cgroup manager, and the file of a config that
 * is named as it is by default. It also answers what crun was built with: tests of what it lacks are skipped.
 */
const asCrun = (runtime: string): string => `if [ "$1" = --version ] || [ "$3" = --version ]; then
  ${quoted(runtime)} --version
  echo '+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +YAJL'
  exit
fi
set -- "$@" end-of-words
while [ "$1" != end-of-words ]; do
  case $1 in
    --cgroup-manager=*) manager=\${1#*=} ;;
    --cgroup-manager) shift; manager=$1 ;;
    --config=config.json) ;;
    --config) if [ "$2" = config.json ]; then shift; else set -- "$@" "$1"; fi ;;
    *) set -- "$@" "$1" ;;
  esac
  shift
done
shift
[ "$manager" = systemd ] && set -- --systemd-cgroup "$@"
exec ${quoted(runtime)} "$@"`;

export const crun: Suite = {
  about: "crun's tests (Python)",
  programs: { python3: 'python3', unshare: 'util-linux' },
  built: { 'tests/init': './autogen.sh && ./configure && make tests/init' },
  peers: ['crun', 'crun in PATH'],
  cgroups: [/^test-/, /^crun-/],
  files: (checkout) => globSync('tests/test_*.py', { cwd: checkout }).toSorted(),
  open(room) {
    const runtime = room.ours ? program(join(room.folder, 'bin'), 'crun', asCrun(room.runtime)) : room.runtime;
    const env = { OCI_RUNTIME: runtime, INIT: join(room.checkout, 'tests/init') };
    return {
      command: (file) => ({
        command: 'python3',
        args: [join('tests', basename(file))],
        cwd: room.checkout,
        env,
      }),
      close: () => undefined,
    };
  },
};
