/** A second process in a container, and looking at the first. */

import { missing } from '../program.ts';
import type { Scenario } from '../scenario.ts';

const withContainer = (script: string, options = ''): string => `
  podman run -d --name host ${options} box sleep 1000 > /dev/null
  ${script}
  put_away host`;

export const exec: readonly Scenario[] = [
  {
    title: 'exec prints and ends with the status of the process',
    script: withContainer(`
      try podman exec host echo hello
      try podman exec host sh -c 'echo out; echo err >&2; exit 9'
      try podman exec host nope
      try podman exec host /etc/passwd
      try podman exec host /etc 2> /dev/null
      echo typed | try podman exec -i host cat`),
    expected:
      /^hello\n\[0\]\n…\[9\]\nError: .*executable file not found.*\n\[127\]\nError: .*\n\[126\]\n\[126\]\ntyped\n\[0\]\n$/,
    varying: /(out\nerr|err\nout)\n/,
  },
  {
    title: 'exec takes a user, a directory and an environment',
    script: withContainer(`
      podman exec --user user host id
      podman exec --user 1234:5678 host id
      podman exec --workdir /tmp --env A=b --env C host sh -c 'pwd; echo $A$C'
      podman exec host sh -c 'echo $HOME $PATH'
      try podman exec --workdir /nope host pwd`),
    expected:
      /^uid=1000\(user\) gid=1000\(user\) .*2000\(others\)\nuid=1234 gid=5678\n\/tmp\nb\n\/root \/usr\/local\/sbin:.*\nError: .*\n\[12\d\]\n$/,
  },
  {
    title: 'exec --detach goes on by itself, and --privileged has all capabilities',
    script: withContainer(`
      podman exec --detach host sh -c 'echo made > /tmp/file; sleep 1000'
      wait_until 'podman exec host test -s /tmp/file'
      podman exec host ps -o comm
      podman exec host grep CapEff /proc/self/status
      podman exec --privileged host grep CapEff /proc/self/status`),
    expected: /^ID\nCOMMAND\nsleep\nsleep\nps\nCapEff:\t00000000[0-9a-f]{8}\nCapEff:\t00000[1-9a-f][0-9a-f]{10}\n$/,
  },
  {
    title: 'exec -it gives a terminal of its own',
    skip: missing('script'),
    script: withContainer(`printf 'tty; test -t 0 && echo yes; exit 6\\n' | in_terminal 'try podman exec -it host sh'`),
    expected: /\/dev\/pts\/0\nyes\n.*\[6\]\n$/s,
    varying: /^.*(?=\/dev\/pts\/0\n)/s,
  },
  {
    title: 'top lists the processes, by podman and by ps',
    script: withContainer(`
      podman exec --detach host sleep 2000
      wait_until 'podman top host args | grep 2000'
      podman top host user pid args
      podman top host -o pid,args | tail -n +2 | sed 's/^ *[0-9]* //'`),
    expected: /^ID\nUSER +PID +COMMAND\nroot +… +sleep 1000 *\nroot +… +sleep 2000 *\nsleep 1000\nsleep 2000\n$/,
    varying: /\b\d+\b(?= +sleep)/g,
  },
  {
    title: 'stats counts processes and memory',
    script: withContainer(
      `podman exec --detach host sleep 2000
      wait_until 'podman top host args | grep 2000'
      podman stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' host
      podman stats --no-stream --all --format '{{.Name}}'`,
      '--memory 50m',
    ),
    expected: 'ID\nhost 2 …/ 52.43MB\nhost\n',
    varying: /[\d.]+[kM]B (?=\/)/,
  },
  {
    title: 'a health check runs in the container',
    script: `
      podman run -d --name sick --health-cmd 'test -e /tmp/well' --health-retries 1 --health-interval disable box \\
        sleep 1000
      try podman healthcheck run sick
      podman inspect --format '{{.State.Health.Status}}' sick
      podman exec sick touch /tmp/well
      try podman healthcheck run sick
      podman inspect --format '{{.State.Health.Status}}' sick
      put_away sick`,
    expected: 'ID\nunhealthy\n[1]\nunhealthy\n[0]\nhealthy\n',
  },
  {
    title: 'a file is copied in and out, and changes are seen',
    script: withContainer(`
      echo text > here
      podman cp here host:/tmp/there
      podman exec host cat /tmp/there
      podman cp host:/tmp/there back
      cat back
      podman diff host | sort`),
    expected: /^text\ntext\n(.*\n)*A \/tmp\/there\n/,
  },
  {
    title: 'pods share namespaces, and stop and go together',
    script: `
      try podman pod create --name pod --share-parent=false --infra-image localhost/box --infra-command 'sleep 1000' \\
        --share ipc,uts --hostname shared
      podman run -d --pod pod --name one box sleep 1000
      podman run --rm --pod pod box hostname
      [ $(readlink /proc/$(podman inspect --format '{{.State.Pid}}' one)/ns/ipc) = \\
        $(readlink /proc/$(podman inspect --format '{{.State.Pid}}' \\
          $(podman pod inspect --format '{{.InfraContainerID}}' pod))/ns/ipc) ] && echo same
      podman pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}'
      podman pod pause pod > /dev/null
      podman pod ps --format '{{.Status}}'
      podman pod unpause pod > /dev/null
      podman pod stop --time 0 pod > /dev/null
      podman pod ps --format '{{.Status}}'
      podman pod start pod > /dev/null
      podman pod ps --format '{{.Status}}'
      podman pod rm --force --time 0 pod
      podman ps --all --quiet`,
    expected: 'ID\n[0]\nID\nshared\nsame\npod Running 2\nPaused\nExited\nRunning\nID\n',
  },
];
