/** What a container may do and see: users, capabilities, seccomp, file systems, namespaces. */

import { existsSync } from 'node:fs';
import { missing } from '../program.ts';
import type { Scenario } from '../scenario.ts';

/** A file that podman masks and that this kernel has. */
const MASKED = ['/proc/keys', '/proc/timer_list', '/proc/kcore'].find((path) => existsSync(path)) ?? '/proc/kcore';

export const isolation: readonly Scenario[] = [
  {
    title: 'users and groups, by name and by number',
    script: `
      podman run --rm box id
      podman run --rm --user user box id
      podman run --rm --user 4321 --group-add 2000 box id
      podman run --rm --user user:others box sh -c 'id; echo $HOME; pwd'
      try podman run --rm --user nobody-knows box id`,
    expected:
      /^uid=0\(root\) gid=0\(root\).*\nuid=1000\(user\) gid=1000\(user\).*\nuid=4321(\(4321\))? gid=0\(root\) groups=.*2000\(others\)\nuid=1000\(user\) gid=2000\(others\).*\n\/home\n\/\nError: .*\n\[12[56]\]\n$/,
  },
  {
    title: 'environment, directory, entry point, host name, labels',
    script: `
      podman run --rm --env A=1 --env B="two words" --workdir /var --hostname named box sh -c 'echo $A; echo $B; pwd;
        hostname'
      podman run --rm --entrypoint echo box from-entrypoint
      podman run --rm --workdir /made/here box pwd 2>&1 | tail -n 1
      podman run --rm --tz UTC --umask 0077 box sh -c 'umask'`,
    expected: /^1\ntwo words\n\/var\nnamed\nfrom-entrypoint\n.*\n0077\n$/,
  },
  {
    title: 'capabilities that are given and taken',
    script: `
      podman run --rm box grep Cap /proc/self/status
      podman run --rm --cap-drop all --cap-add chown box grep Cap /proc/self/status
      podman run --rm --user user box grep Cap /proc/self/status
      podman run --rm --user user --cap-add net_admin box grep Cap /proc/self/status
      podman run --rm --privileged box grep CapEff /proc/self/status
      podman run --rm --cap-drop all box sh -c 'exec 2>&1; touch /tmp/x; chown 5 /tmp/x; echo $?'`,
    expected:
      /^CapInh:\t0{16}\nCapPrm:\t00000000\w{8}\n(?:.*\n){3}CapInh:\t0{16}\nCapPrm:\t0{15}1\nCapEff:\t0{15}1\nCapBnd:\t0{15}1\n(?:.*\n){11}CapEff:\t[0-9a-f]{16}\nchown: .*\n1\n$/,
  },
  {
    title: 'no new privileges, and a process that may not gain any',
    script: `
      podman run --rm box grep NoNewPrivs /proc/self/status
      podman run --rm --security-opt no-new-privileges box grep NoNewPrivs /proc/self/status`,
    expected: 'NoNewPrivs:\t0\nNoNewPrivs:\t1\n',
  },
  {
    title: 'seccomp: the default profile, none, and one of the user',
    unlike: 'a profile that is none is refused in our own words',
    script: `
      podman run --rm box grep Seccomp: /proc/self/status
      podman run --rm --security-opt seccomp=unconfined box grep Seccomp: /proc/self/status
      echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}' > profile.json
      try podman run --rm --security-opt seccomp=$FOLDER/profile.json box mkdir /tmp/x
      echo '{"defaultAction":"SCMP_ACT_NOPE"}' > broken.json
      try podman run --rm --security-opt seccomp=$FOLDER/broken.json box true
      podman ps --all --quiet`,
    expected: /^Seccomp:\t2\nSeccomp:\t0\nmkdir: .* Function not implemented\n\[1\]\nError: .*\n\[12[56]\]\n$/,
  },
  {
    title: 'a read-only root, with and without temporary file systems',
    script: `
      podman run --rm --read-only box sh -c 'exec 2>&1; touch /x; touch /tmp/x && echo in tmp'
      podman run --rm --read-only --read-only-tmpfs=false box sh -c 'exec 2>&1; touch /tmp/x;
        touch /dev/shm/x && echo in shm'`,
    expected: /^touch: \/x: Read-only file system\nin tmp\ntouch: \/tmp\/x: Read-only file system\n/,
  },
  {
    title: 'masked and read-only paths, and what is unmasked',
    script: `
      podman run --rm box sh -c 'exec 2>&1; cat ${MASKED} | wc -c; ls /sys/firmware | wc -l;
        echo 1 > /proc/sys/kernel/domainname'
      podman run --rm --security-opt mask=/etc/passwd box cat /etc/passwd
      podman run --rm --security-opt unmask=ALL box sh -c 'grep -c " ${MASKED} " /proc/mounts'`,
    expected: /^0\n0\nsh: can't create .*: Read-only file system\n0\n$/,
  },
  {
    title: 'tmpfs with options',
    script: `
      podman run --rm --tmpfs /data:rw,size=1m,mode=1700,noexec box sh -c 'grep " /data " /proc/mounts;
        stat -c %a /data; dd if=/dev/zero of=/data/x bs=1M count=2 2>&1 | head -n 1'
      podman run --rm --shm-size 2m box sh -c 'df -k /dev/shm | tail -n 1'`,
    expected:
      /^tmpfs \/data tmpfs rw,.*noexec.*size=1024k,mode=1700.*\n1700\ndd: .* No space left on device\n.* 2048 .*\/dev\/shm\n$/,
  },
  {
    title: 'volumes: bound folders and files, read-only, recursive, named, copied up',
    script: `
      mkdir bound; echo inside > bound/file
      podman run --rm -v $FOLDER/bound:/mnt/b box sh -c 'cat /mnt/b/file; echo new > /mnt/b/new'
      cat bound/new
      podman run --rm -v $FOLDER/bound:/mnt/b:ro box touch /mnt/b/no
      podman run --rm -v $FOLDER/bound/file:/etc/file:ro box cat /etc/file
      podman run --rm --mount type=bind,src=$FOLDER/bound,dst=/deep/er/path,bind-propagation=rslave box sh -c \\
        'ls /deep/er/path; grep -c " /deep/er/path .*master:" /proc/self/mountinfo'
      podman volume create kept
      podman run --rm -v kept:/etc box cat /etc/group
      podman run --rm -v kept:/data box sh -c 'echo more >> /data/group'
      podman run --rm -v kept:/data box tail -n 1 /data/group
      podman run --rm -v $FOLDER/bound:/o:O box sh -c 'echo over > /o/over; ls /o' 2>&1 | tail -n 1
      podman volume rm kept`,
    expected:
      /^inside\nnew\ntouch: \/mnt\/b\/no: Read-only file system\ninside\nfile\nnew\n\d\nkept\nroot:x:0:\nuser:x:1000:\nothers:x:2000:user\nmore\n.*\nkept\n$/,
  },
  {
    title: 'namespaces of the host and of other containers',
    script: `
      podman run -d --name host --hostname owner box sleep 1000
      podman run --rm --pid container:host box ps -o args | head -n 2 | tail -n 1
      podman run --rm --uts container:host box hostname
      [ $(podman run --rm --ipc host box readlink /proc/self/ns/ipc) = $(readlink /proc/self/ns/ipc) ] && echo same ipc
      [ $(podman run --rm --network host box readlink /proc/self/ns/net) = $(readlink /proc/self/ns/net) ] \\
        && echo same net
      [ $(podman run --rm --pid host box readlink /proc/self/ns/pid) = $(readlink /proc/self/ns/pid) ] && echo same pid
      [ $(podman run --rm --network container:host box readlink /proc/self/ns/net) = \\
        $(readlink /proc/$(podman inspect --format '{{.State.Pid}}' host)/ns/net) ] && echo joined net
      put_away host`,
    expected: 'ID\nsleep 1000\nowner\nsame ipc\nsame net\nsame pid\njoined net\n',
  },
  {
    title: 'a user namespace with mappings of its own',
    script: `
      podman run --rm --uidmap 0:100000:5000 --gidmap 0:200000:5000 box sh -c 'cat /proc/self/uid_map;
        cat /proc/self/gid_map; id -u; touch /tmp/x; stat -c %u:%g /tmp/x /etc/passwd'
      podman run -d --name mapped --uidmap 0:100000:5000 --user user box sleep 1000
      stat -c %u:%g /proc/$(podman inspect --format '{{.State.Pid}}' mapped)
      podman exec mapped id -u
      put_away mapped`,
    expected: /^ +0 +100000 +5000\n +0 +200000 +5000\n0\n0:0\n0:0\nID\n101000:101000\n1000\n$/,
  },
  {
    title: 'sysctls of the namespaces',
    script: `
      podman run --rm --sysctl kernel.msgmax=4096 --sysctl net.ipv4.ip_forward=1 box sh -c \\
        'cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward'
      try podman run --rm --network host --sysctl net.ipv4.ip_forward=1 box true`,
    expected: /^4096\n1\nError: .*\n\[12[56]\]\n$/,
  },
  {
    title: '--init reaps and forwards signals',
    skip: missing('catatonit'),
    script: `
      podman run --rm --init box sh -c 'cat /proc/1/comm'
      podman run -d --init --name reaper box sh -c 'sh -c "sleep 0.1 &"; exec sleep 1000'
      wait_until '[ $(podman exec reaper ps -o comm | grep -c sleep) = 1 ]'
      podman stop --time 5 reaper
      podman inspect --format '{{.State.ExitCode}}' reaper
      podman rm reaper`,
    expected: /^(podman-init|catatonit)\nID\nreaper\n143\nreaper\n$/,
  },
  {
    title: 'systemd mode, and a notification of readiness',
    script: `
      podman run --rm --systemd always box sh -c 'echo $container; grep -c " /run tmpfs" /proc/mounts;
        grep -c cgroup /proc/mounts'
      podman run --rm --sdnotify conmon box sh -c 'echo "[$NOTIFY_SOCKET]"'`,
    expected: /^(podman|oci)\n1\n\d+\n\[\]\n$/,
  },
  {
    title: 'inherited descriptors',
    script: `
      echo passed > file
      podman run --rm --preserve-fds 1 box cat /proc/self/fd/3 3< file`,
    expected: 'passed\n',
  },
];
