/** What docker's daemon asks of a runtime, through its own containerd. */

import { existsSync } from 'node:fs';
import { missing } from '../program.ts';
import type { Scenario } from '../scenario.ts';

const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');

export const life: readonly Scenario[] = [
  {
    title: 'run prints and ends with the status of the process',
    script: `
      try docker run --rm localhost/box echo hello
      try docker run --rm localhost/box sh -c 'echo out; echo err >&2; exit 7'
      printf 'a\\nb\\n' | try docker run --rm -i localhost/box wc -l
      docker ps --all --quiet`,
    expected: /^hello\n\[0\]\n…\n\[7\]\n2\n\[0\]\n$/,
    varying: /(?<=\n)(out\nerr|err\nout)(?=\n)/,
  },
  {
    title: 'run of what is not there, or not a program, ends with 127 and 126',
    script: `
      try docker run --rm localhost/box nope
      try docker run --rm localhost/box /etc/passwd
      try docker run --rm localhost/box /etc 2> /dev/null
      docker ps --all --quiet`,
    expected: /executable file not found in \$PATH.*\n[^[]*\[127\]\n.*permission denied.*\n[^[]*\[126\]\n\[126\]\n$/,
  },
  {
    title: 'a detached container runs, logs, is stopped and removed',
    script: `
      docker run -d --name web localhost/box sh -c 'trap "echo stopping; exit 3" TERM; echo ready;
        while :; do sleep 0.1; done'
      wait_until 'docker logs web | grep ready'
      docker ps --format '{{.Names}} {{.State}}'
      docker inspect --format '{{.State.Status}} {{.HostConfig.Runtime}}' web
      docker top web -o pid,args | grep -q 'sh -c trap' && echo listed
      try docker stop -t 10 web
      docker logs web
      docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' web
      docker start web
      docker kill --signal KILL web
      docker wait web
      try docker rm web
      docker ps --all --quiet`,
    expected:
      /^ID\nweb running\nrunning the-RUNTIME\nlisted\nweb\n\[0\]\nready\nstopping\nexited 3\nweb\nweb\n137\nweb\n\[0\]\n$/,
  },
  {
    title: 'exec with status, user, directory, environment, detached',
    script: `
      docker run -d --name host localhost/box sleep 1000
      try docker exec host echo hello
      try docker exec --user user --workdir /tmp --env A=b host sh -c 'id -u; pwd; echo $A; exit 9'
      try docker exec host nope
      echo typed | try docker exec -i host cat
      docker exec --detach host touch /tmp/made
      wait_until 'docker exec host test -e /tmp/made'
      docker rm --force host`,
    expected:
      /^ID\nhello\n\[0\]\n1000\n\/tmp\nb\n\[9\]\n.*executable file not found.*\n\[12[67]\]\ntyped\n\[0\]\nhost\n$/,
  },
  {
    title: 'terminals of run and exec',
    skip: missing('script'),
    script: `
      printf 'tty; exit 6\\n' | in_terminal 'try docker run -it --name screen localhost/box sh' | tail -n 1
      docker run -d --name host localhost/box sleep 1000
      printf 'tty; exit 5\\n' | in_terminal 'try docker exec -it host sh' | tail -n 1
      docker rm --force host screen`,
    expected: '[6]\nID\n[5]\nhost\nscreen\n',
  },
  {
    title: 'pause, unpause, update and stats',
    script: `
      docker run -d --name ice --memory 64m --memory-swap 128m localhost/box sleep 1000
      docker pause ice
      docker inspect --format '{{.State.Status}}' ice
      try docker exec ice true
      docker unpause ice
      docker inspect --format '{{.State.Status}}' ice
      docker update --memory 128m --memory-swap 256m --cpu-shares 256 --pids-limit 50 ice
      docker exec ice sh -c '
        cd /sys/fs/cgroup; cat ${unified ? 'memory.max pids.max' : 'memory/memory.limit_in_bytes pids/pids.max'}'
      docker stats --no-stream --format '{{.Name}} {{.PIDs}}' ice
      docker rm --force ice`,
    expected:
      /^ID\nice\npaused\nError response from daemon: Container ice is paused.*\n\[1\]\nice\nrunning\nice\n134217728\n50\nice 1\nice\n$/,
  },
  {
    title: 'limits, privileges, read-only root, tmpfs and volumes',
    script: `
      docker run --rm --pids-limit 33 --cpu-shares 512 --ulimit nofile=512:600 localhost/box \\
        sh -c 'cd /sys/fs/cgroup; cat ${unified ? 'pids.max' : 'pids/pids.max cpu/cpu.shares'}; ulimit -n'
      docker run --rm localhost/box grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
      docker run --rm --cap-drop all --security-opt no-new-privileges --security-opt seccomp=unconfined localhost/box \\
        grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
      docker run --rm --read-only --tmpfs /data:size=1m localhost/box sh -c 'touch /x 2>&1;
        touch /data/x && echo in data'
      echo inside > file
      docker run --rm -v $FOLDER/file:/file:ro -v named:/etc localhost/box sh -c 'cat /file; ls /etc/passwd;
        touch /file 2>&1'
      docker volume rm named
      docker run --rm --init --hostname named localhost/box sh -c 'hostname; cat /proc/1/comm'
      docker run --rm --user user --group-add 2000 localhost/box id`,
    expected: /in data\n/,
  },
  {
    title: 'a container that takes too much memory is killed, and docker knows why',
    // The shim watches the container's memory only from the end of `start` on, for which docker waits. And docker must
    // hear of it before the end, but its events come in no certain order.
    script: `
      docker run -d --name greedy --memory 8m --memory-swap 8m -v $FOLDER:/shared localhost/box \\
        sh -c 'until test -e /shared/started; do sleep 0.05; done; tail -c 100m /dev/zero; code=$?; sleep 1; exit $code'
      touch started
      docker wait greedy
      docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' greedy
      docker rm greedy`,
    expected: 'ID\n137\n137 true\ngreedy\n',
  },
  {
    title: 'a health check and a restart policy',
    script: `
      docker run -d --name well --health-cmd 'test -e /tmp/well' --health-interval 200ms --health-retries 1 \\
        localhost/box sh -c 'touch /tmp/well; exec sleep 1000'
      wait_until '[ $(docker inspect --format "{{.State.Health.Status}}" well) = healthy ]'
      docker inspect --format '{{.State.Health.Status}}' well
      docker run -d --name retry --restart on-failure:1 localhost/box sh -c 'echo try; exit 1'
      wait_until '[ $(docker logs retry | wc -l) = 2 ]'
      docker logs retry
      docker rm --force well retry`,
    expected: 'ID\nhealthy\nID\ntry\ntry\nwell\nretry\n',
  },
];
