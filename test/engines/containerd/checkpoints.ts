/** containerd's checkpoints: of a task as files, of a container as an image. */

import type { Scenario } from '../scenario.ts';

const BOX = 'localhost/box:latest';

/**
 * The shell writes lines of two numbers to a folder of the host: the time of its start, and how far it has counted. It
 * does so by itself, without children: what a child had begun would be done again when the container is brought back.
 */
const COUNTER =
  "'read since rest < /proc/uptime; i=0; while :; do i=$((i+1)); echo $since $i >> /out/count; sleep 0.05; done'";

/** containerd 1.6 waits forever for a task if it has not heard of the end. */
const BOUNDED = 'timeout 60 ctr';

export const checkpoints: readonly Scenario[] = [
  {
    title: 'a container goes on, from an image and under another name',
    script: `
      mkdir out
      last() { tail -n 1 out/count; }
      ctr run --detach --mount type=bind,src=$FOLDER/out,dst=/out,options=rbind:rw ${BOX} task sh -c ${COUNTER}
      wait_until 'grep " [1-9]" out/count'
      before=$(last)
      try ctr containers checkpoint --task --image task localhost/checkpoint:1
      # It goes on; then its memory is written once more, and it ends.
      ctr tasks list | grep -c RUNNING
      try ctr tasks checkpoint --exit --image-path $FOLDER/images --work-path $FOLDER/work task
      ls images/inventory.img images/descriptors.json work/dump.log
      wait_until 'ctr tasks list | grep STOPPED'
      ${BOUNDED} tasks delete task > /dev/null 2>&1
      ctr containers delete task
      rm out/count
      try ${BOUNDED} containers restore --live again localhost/checkpoint:1
      wait_until 'test -s out/count'
      ctr tasks list | grep -o 'again.*RUNNING' | tr -s ' 0-9' ' '
      after=$(last)
      [ "\${after% *}" = "\${before% *}" ] && [ "\${after#* }" -gt "\${before#* }" ] && echo it went on
      ${BOUNDED} tasks delete --force again > /dev/null 2>&1
      ctr containers delete again; ctr containers list --quiet`,
    expected:
      '[0]\n1\n[0]\nimages/descriptors.json\nimages/inventory.img\nwork/dump.log\n[0]\nagain RUNNING\nit went on\n',
  },
];
