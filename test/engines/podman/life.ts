/** From run to rm: what a user does with a container all day. */

import { missing } from '../program.ts';
import type { Scenario } from '../scenario.ts';

const CREATE_FAILED = 'Error: RUNTIME: RUNTIME create failed: unable to start container process';
const NOT_FOUND = 'OCI runtime attempted to invoke a command that was not found';

export const life: readonly Scenario[] = [
  {
    title: 'info names the runtime',
    script: `podman info --format '{{.Host.OCIRuntime.Name}}'`,
    expected: 'RUNTIME\n',
  },
  {
    title: 'run prints and ends with the status of the process',
    script: `
      try podman run --rm box echo hello
      try podman run --rm box sh -c 'echo out; echo err >&2; exit 7'
      podman ps --all --quiet`,
    expected: 'hello\n[0]\n…[7]\n',
    varying: /(out\nerr|err\nout)\n/,
  },
  {
    title: 'run of what is not there, or not a program, ends with 127 and 126',
    script: `
      try podman run --rm box nope
      try podman run --rm box /bin/nope
      try podman run --rm box /etc/passwd
      podman ps --all --quiet`,
    expected:
      `${CREATE_FAILED}: exec: "nope": executable file not found in $PATH: ${NOT_FOUND}\n[127]\n` +
      `${CREATE_FAILED}: exec: "/bin/nope": stat /bin/nope: no such file or directory: ${NOT_FOUND}\n[127]\n` +
      `${CREATE_FAILED}: exec: "/etc/passwd": permission denied: OCI permission denied\n[126]\n`,
  },
  {
    title: 'standard input reaches the container, and its end',
    script: `
      printf 'a\\nb\\n' | try podman run --rm -i box wc -l
      echo kept | podman run --name cat -i box cat
      podman rm cat`,
    expected: '2\n[0]\nkept\ncat\n',
  },
  {
    title: 'a detached container runs, is listed, logs, and is stopped and removed',
    script: `
      podman run -d --name web box sh -c 'trap "echo stopping; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
      wait_until 'podman logs web | grep ready'
      podman ps --format '{{.Names}} {{.Command}}'
      podman inspect --format '{{.State.Status}} {{.State.OOMKilled}} {{.OCIRuntime}}' web
      try podman stop --time 10 web
      podman logs web
      podman inspect --format '{{.State.Status}} {{.State.ExitCode}}' web
      try podman rm web
      podman ps --all --quiet`,
    expected:
      'ID\nweb sh -c trap "echo ...\nrunning false RUNTIME\n' + 'web\n[0]\nready\nstopping\nexited 3\nweb\n[0]\n',
  },
  {
    title: 'create, start, wait, restart and start --attach',
    script: `
      podman create --name again box sh -c 'echo run; exit 4'
      podman inspect --format '{{.State.Status}}' again
      try podman start again
      podman wait again
      try podman start --attach again
      podman restart again
      podman wait again
      podman logs again
      podman rm again`,
    expected: 'ID\ncreated\nagain\n[0]\n4\nrun\n[4]\nagain\n4\nrun\nrun\nrun\nagain\n',
  },
  {
    title: 'init prepares a container that start then starts',
    script: `
      podman create --name waiting box sh -c 'echo started; sleep 100'
      podman init waiting
      podman inspect --format '{{.State.Status}}' waiting
      podman start waiting
      wait_until 'podman logs waiting | grep started'
      put_away waiting`,
    expected: 'ID\nwaiting\ninitialized\nwaiting\n',
  },
  {
    title: 'kill sends the signal that it is told',
    script: `
      podman run -d --name target box sh -c 'trap "echo usr1" USR1; trap "exit 5" INT; echo ready;
        while :; do sleep 0.1; done'
      wait_until 'podman logs target | grep ready'
      podman kill --signal USR1 target
      wait_until 'podman logs target | grep usr1'
      podman kill --signal SIGINT target
      podman wait target
      try podman kill target
      podman rm target`,
    expected: /^ID\ntarget\ntarget\n5\nError: can only kill running containers.*\n\[125\]\ntarget\n$/,
    varying: /(?<=ID is in state )(stopped|exited)/,
  },
  {
    title: 'stop kills a process that does not listen',
    script: `
      podman run -d --name deaf box sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
      wait_until 'podman logs deaf | grep ready'
      podman stop --time 0 deaf
      podman inspect --format '{{.State.Status}} {{.State.ExitCode}}' deaf
      podman rm deaf`,
    expected: 'ID\ndeaf\nexited 137\ndeaf\n',
  },
  {
    title: 'pause freezes and unpause thaws',
    script: `
      podman run -d --name ice box sleep 1000
      podman pause ice
      podman ps --format '{{.Names}} {{.Status}}' --filter status=paused
      try podman exec ice true
      podman unpause ice
      podman inspect --format '{{.State.Status}}' ice
      podman pause ice
      podman rm --force --time 0 ice
      podman ps --all --quiet`,
    expected: /^ID\nice\nice Paused\nError: .*\n\[255\]\nice\nrunning\nice\nice\n$/,
  },
  {
    title: 'rm refuses what runs, and --force takes it',
    script: `
      podman run -d --name busy box sleep 1000
      try podman rm busy
      try podman rm --force --time 0 busy
      podman ps --all --quiet`,
    expected: /^ID\nError: cannot remove container ID as it is running.*\n\[2\]\nbusy\n\[0\]\n$/,
  },
  {
    title: 'the runtime of a container is podman-inspected by its name, and its pid is the container',
    script: `
      podman run -d --name known --pidfile pid box sleep 1000
      tr '\\0' ' ' < /proc/$(cat pid)/cmdline; echo
      [ $(cat pid) = $(podman inspect --format '{{.State.Pid}}' known) ] && echo same
      put_away known`,
    expected: 'ID\nsleep 1000 \nsame\n',
  },
  {
    title: '-it gives a terminal',
    skip: missing('script'),
    script: `
      printf 'tty; test -t 0 && echo yes; exit 6\\n' | in_terminal 'try podman run -it --rm box sh'`,
    expected: /\/dev\/pts\/0\nyes\n.*\[6\]\n$/s,
    // The echo of what was typed comes from the terminal that is faster.
    varying: /^.*(?=\/dev\/pts\/0\n)/s,
  },
  {
    title: 'attach shows what a container prints',
    script: `
      podman create --name shown box sh -c 'echo attached; exit 2'
      podman start --attach shown
      podman run -d --name slow -i box cat
      echo typed | podman attach slow
      podman logs slow
      put_away slow
      podman rm shown`,
    expected: 'ID\nattached\nID\ntyped\n\ntyped\nshown\n',
  },
  {
    title: 'restart policy starts it again',
    script: `
      # Not asked of podman, whose other commands race with the one that starts the container again.
      podman run -d --name retry --restart on-failure:2 -v $FOLDER:/shared box sh -c 'echo try;
        echo >> /shared/tries; exit 1'
      wait_until '[ $(wc -l < tries) = 3 ]'
      podman wait retry > /dev/null
      podman logs retry
      podman rm --force retry`,
    expected: 'ID\ntry\ntry\ntry\nretry\n',
  },
];
