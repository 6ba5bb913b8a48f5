/** A report of what a container's process sees and may do. The text is the same for the same container. */

/** Busybox's shell runs it. Each part has a heading, so that a difference tells where it is. */
export const REPORT = `exec 2>&1
part() { echo "[$1]"; }
part cwd; pwd
part environment; env | sort
part process; grep -E '^(Umask|Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|SigBlk|SigIgn)' /proc/self/status
cat /proc/self/oom_score_adj; grep -E 'cpu|file size|open|pending|stack' /proc/self/limits
part names; hostname; cat /proc/self/setgroups
cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ping_group_range
part mounts; cat /proc/self/mountinfo
part devices; ls -lan /dev /dev/deep/er /t /copied/a | sed -E '/^total/d; s/^([^ ]+) +[0-9]+ +/\\1 /;
  s/ [A-Z][a-z]{2} +[0-9]+ +[0-9:]+ / /'
part access
awk '{ print $5 }' /proc/self/mountinfo | sort -u | grep -v '^/\\(proc\\|sys\\)/' | while read path; do
  stat -c '%n %a %u %g %F' $path
  [ -d $path ] && mkdir $path/.try && rmdir $path/.try && echo writable
  [ -f $path ] && head -c 9 $path
done
part protected
for path in /m/* /links/m /r/* /links/r /t /t/* /proc/keys /proc/timer_list /sys/firmware; do
  stat -Lc '%n %F %a %u %g' $path; ls $path | wc -l; [ -f $path ] && (: >> $path); [ -d $path ] && mkdir $path/.try \\
    && rmdir $path/.try && echo writable
done
for path in null zero full; do head -c 1 /dev/$path | wc -c; done
mknod /dev/shm/node c 1 3 && rm /dev/shm/node
part end
exit 3
`;

/**
 * Removes numbers that mean nothing, and names each mount by the place of its parent. @param bundle the container's
 * bundle
 */
export function normalized(output: string, bundle: string): string {
  const points = new Map<string, string>();
  const lines = output.replaceAll(bundle, 'BUNDLE').split('\n');
  const mount = /^(\d+) (\d+) \d+:\d+ (\S+) (\S+) (\S+)((?: \S+)*) - (\S+ \S+ \S+)$/;
  for (const line of lines) {
    const [, id = '', , , point = ''] = mount.exec(line) ?? [];
    points.set(id, point);
  }
  const isMount = (line: string) => mount.test(line);
  const rest = lines.filter((line) => !isMount(line));
  return [...rest, ...lines.filter(isMount).map(described).toSorted()].join('\n');

  function described(line: string): string {
    const [, , parent = '', root, point, options, tags = '', fs = ''] = mount.exec(line) ?? [];
    // Modes are in another part. runc limits the tmpfs that masks directories, and from 1.3 on has the rootfs on a
    // private mount.
    const own = tags.replace(/:\d+/g, '').replace(' master', '');
    return (
      `${point} on ${points.get(parent) ?? 'the host'}: ${root} ${options}${own} ` +
      `${fs.replace(/,(inode64|nr_inodes=1|size=4k|mode=\d+)\b/g, '')}`
    );
  }
}
