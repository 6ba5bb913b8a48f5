/** What a process finds out about itself, in words that are the same each time. */

/** A script for a shell that prints all of it, in sections. The last is `end`. */
export const FIND = [
  'for f in status limits oom_score_adj cgroup mountinfo environ coredump_filter personality loginuid sessionid stat',
  'do',
  'echo "== $f"; cat /proc/$$/$f 2>&1 | tr "\\0" "\\n"; echo; done',
  'echo "== timerslack"; cat /proc/$$/timerslack_ns 2>&1',
  'echo "== keys"; cat /proc/keys 2>&1',
  'echo "== fds"; for fd in /proc/$$/fd/*; do echo "$(basename $fd) $(readlink $fd)"; done',
  'echo "== namespaces"; for ns in /proc/$$/ns/*; do readlink $ns; done',
  'echo "== cwd"; readlink /proc/$$/cwd; umask',
  'echo "== scheduling"; grep -E "^(policy|prio)" /proc/$$/sched; ionice -p $$ 2>&1',
  'echo "== end"',
].join('\n');

/** Fields of /proc/PID/status that are of the moment, or numbers that the kernel hands out. */
const VOLATILE =
  /^(State|Pid|Tgid|Ngid|PPid|TracerPid|NS[a-z]+|Vm\w+|Rss\w+|HugetlbPages|\w*ctxt_switches|SigQ|Threads):/;

/** Numbers of /proc/PID/stat, counted from the state on. */
const STAT = { group: 2, session: 3, terminal: 4, priority: 15, nice: 16, realTime: 37, policy: 38 } as const;

export interface Where {
  /** Of the container: it is in the names of its cgroup and of its keyring. */
  readonly id: string;
  /** The identities of the caller's namespaces. */
  readonly shared: readonly string[];
}

/** @returns the sections by name */
export function sectionsOf(text: string, where: Where): Readonly<Record<string, readonly string[]>> {
  const parts = text.split(/^== /m).slice(1);
  return Object.fromEntries(
    parts.map((part) => {
      const [name = '', ...lines] = part.split('\n');
      return [
        name,
        linesOf(
          name,
          lines.filter((line) => line !== ''),
          where,
        ).map((line) => line.replaceAll(where.id, 'ID')),
      ];
    }),
  );
}

function linesOf(name: string, lines: readonly string[], { id, shared }: Where): readonly string[] {
  switch (name) {
    case 'status':
      return lines.filter((line) => !VOLATILE.test(line));
    case 'mountinfo':
      // Neither the numbers of mounts and peer groups, nor those of devices that are made for each container.
      return lines.map((line) => line.replace(/^\d+ \d+ \d+:\d+ /, '').replaceAll(/(shared|master):\d+/g, '$1:N'));
    case 'stat': {
      const [pid] = (lines[0] ?? '').split(' ');
      const fields = (lines[0] ?? '').replace(/^.*\) /s, '').split(' ');
      return Object.entries(STAT).map(([field, at]) => `${field} ${fields[at] === pid ? 'its own' : fields[at]}`);
    }
    case 'keys':
      // Of all keyrings of root's, those that concern us. The kernel removes those that ended a while later.
      return lines
        .filter((line) => line.includes(id))
        .map((line) => line.replace(/^\w+ (\S+) +\d+ /, '$1 N ').replace(/: \d+$/, ': N'))
        .toSorted();
    case 'fds':
      return lines.map((line) => line.replace(/(pipe|socket):\[\d+\]/, '$1:[N]'));
    case 'namespaces':
      return lines.map((line) => (shared.includes(line) ? `the caller’s ${line}` : line.replace(/\d+/, 'N')));
    default:
      return lines;
  }
}
