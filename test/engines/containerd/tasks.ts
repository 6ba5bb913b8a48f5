/** containerd's tasks, by its shim for runc-like runtimes and ctr. */

import { existsSync } from 'node:fs';
import { missing } from '../program.ts';
import type { Scenario } from '../scenario.ts';

const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
const BOX = 'localhost/box:latest';

const withTask = (script: string, options = '', command = 'sleep 1000'): string => `
  ctr run --detach ${options} ${BOX} task ${command}
  ${script}
  ctr tasks delete --force task > /dev/null 2>&1
  ctr containers delete task`;

export const tasks: readonly Scenario[] = [
  {
    title: 'run prints and ends with the status of the process',
    script: `
      try ctr run --rm ${BOX} one echo hello
      try ctr run --rm ${BOX} two sh -c 'echo out; exit 7'
      ctr containers list --quiet`,
    expected: 'hello\n[0]\nout\n[7]\n',
  },
  {
    title: 'run of what is not there',
    script: `
      try ctr run --rm ${BOX} none nope
      ctr containers list --quiet; ctr tasks list --quiet`,
    expected: /^ctr: failed to create shim task: .*exec: "nope": executable file not found in \$PATH.*\n\[1\]\n$/,
  },
  {
    title: 'standard input reaches the container',
    script: `printf 'a\\nb\\n' | try ctr run --rm ${BOX} fed head -n 1`,
    expected: 'a\n[0]\n',
  },
  {
    title: 'a terminal',
    skip: missing('script'),
    script: `printf 'tty; exit 6\\n' | in_terminal 'try ctr run --tty --rm ${BOX} screen sh'`,
    expected: /\/dev\/pts\/0\n.*\[6\]\n$/s,
    // The echo of what was typed comes from the terminal that is faster.
    varying: /^.*(?=\/dev\/pts\/0\n)/s,
  },
  {
    title: 'a task in the background is listed, has processes and is killed',
    script: withTask(`
      ctr tasks list | tail -n +2 | sed 's/ [0-9][0-9]* / PID /'
      ctr tasks ps task | tail -n +2 | wc -l
      ctr tasks kill --signal SIGTERM task
      ctr tasks list | tail -n +2 | grep -c RUNNING
      ctr tasks kill --signal SIGKILL task
      wait_until 'ctr tasks list | grep STOPPED'
      ctr tasks list | tail -n +2 | sed 's/ [0-9][0-9]* / PID /'
      ctr tasks delete task
      try ctr tasks kill task`),
    expected: /^task +PID +RUNNING\n1\n1\ntask +PID +STOPPED\n.*exit code 137"\nctr: .*not found\n\[1\]\n$/,
  },
  {
    title: 'exec with status, user, directory, and in a terminal',
    script: withTask(`
      try ctr tasks exec --exec-id e1 task echo hello
      try ctr tasks exec --exec-id e2 --user 1000:2000 --cwd /tmp task sh -c 'id -u; id -g; pwd; exit 5'
      echo typed | try ctr tasks exec --exec-id e3 task cat
      try ctr tasks exec --exec-id e4 task nope
      ctr tasks exec --exec-id e5 --detach task sleep 2000
      ctr tasks ps task | tail -n +2 | wc -l`),
    expected:
      /^hello\n\[0\]\n1000\n2000\n\/tmp\n\[5\]\ntyped\n\[0\]\nctr: .*exec: "nope": executable file not found in \$PATH.*\n\[1\]\n2\n/,
  },
  {
    title: 'pause and resume',
    script: withTask(`
      ctr tasks pause task
      ctr tasks list | grep -c PAUSED
      try ctr tasks exec --exec-id e1 task true
      ctr tasks resume task
      ctr tasks list | grep -c RUNNING`),
    expected: /^1\nctr: .*\n\[1\]\n1\n/,
  },
  {
    title: 'metrics of the task',
    script: withTask(`
      wait_until 'ctr tasks metrics task'
      ctr tasks metrics task | awk '/pids.current/ { print } NR > 4 { print $1 }'`),
    expected: /pids.current +1 *\n/,
  },
  {
    title: 'limits, as the cgroup has them, and changed by update',
    skip: unified ? 'the names of files are of cgroup v1' : false,
    script: withTask(
      'cat /sys/fs/cgroup/memory$CGROUP/task/memory.limit_in_bytes /sys/fs/cgroup/cpu$CGROUP/task/cpu.shares ' +
        '/sys/fs/cgroup/cpu$CGROUP/task/cpu.cfs_quota_us',
      '--memory-limit 67108864 --cpu-shares 512 --cpus 0.5',
    ),
    expected: '67108864\n512\n50000\n',
  },
  {
    title: 'privileges: the default ones, those of the user, and all',
    script: `
      ctr run --rm ${BOX} a grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
      ctr run --rm --seccomp --cap-drop CAP_CHOWN ${BOX} b grep -E 'CapEff|Seccomp:' /proc/self/status
      ctr run --rm --privileged --allow-new-privs ${BOX} c grep -E 'CapEff|NoNewPrivs' /proc/self/status
      try ctr run --rm --read-only ${BOX} d touch /x`,
    expected:
      /^CapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t0\nCapEff:\t00000000a80425fa\nSeccomp:\t2\nCapEff:\t[0-9a-f]{16}\nNoNewPrivs:\t0\ntouch: \/x: Read-only file system\n\[1\]\n$/,
  },
  {
    title: 'mounts, environment, and namespaces to join',
    script: `
      echo text > file
      ctr run --rm --env A=b --cwd /tmp --mount type=bind,src=$FOLDER/file,dst=/file,options=rbind:ro ${BOX} a sh -c \\
        'cat /file; echo $A; pwd; touch /file 2>&1'
      [ $(ctr run --rm --net-host ${BOX} b readlink /proc/self/ns/net) = $(readlink /proc/self/ns/net) ] \\
        && echo same net
      [ $(ctr run --rm --with-ns ipc:/proc/self/ns/ipc ${BOX} c readlink /proc/self/ns/ipc) != \\
        $(readlink /proc/self/ns/ipc) ] || echo joined ipc`,
    expected: /^text\nb\n\/tmp\ntouch: \/file: Read-only file system\nsame net\njoined ipc\n$/,
  },
  {
    title: 'a user namespace',
    script: `
      ctr run --rm --uidmap 0:100000:5000 --gidmap 0:200000:5000 ${BOX} mapped sh -c 'cat /proc/self/uid_map; id -u'`,
    expected: /^ +0 +100000 +5000\n0\n$/,
  },
];
