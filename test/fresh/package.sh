#!/bin/sh
# The life of the Debian package, inside a fresh root: package.sh OLD.deb NEW.deb BOX.tar
# It prints what it does, and ends with a status other than 0 at the first thing that is wrong.
set -e
step() { echo "- $*"; }
fail() { echo "wrong: $*"; exit 1; }
# Everything on this file system but what dpkg and others note about their own work. dpkg leaves empty directories that
# others have files in; here nobody has.
files() {
  find / -xdev \( -path /root -o -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /old \
    -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/containers -o -path /etc/cni \) \
    -prune -o -print | sort
}
export PODMAN_IGNORE_CGROUPSV1_WARNING=1
podman() { command podman --cgroup-manager cgroupfs --storage-driver vfs --runtime /usr/bin/runchart "$@"; }

files > /tmp/before
step install
dpkg -i "$1" > /tmp/dpkg 2>&1 || { cat /tmp/dpkg; fail 'it cannot be installed'; }
runchart --version | head -n 1
dpkg --verify runchart
[ "$(readlink -f /usr/bin/runchart)" = /usr/lib/runchart/runchart ] || fail 'no command in PATH'
ldd /usr/lib/runchart/runchart-engine | grep -q 'not found' && fail 'a library is missing'

step 'run a container by podman'
podman import -q "$3" box > /dev/null
said=$(podman run --rm --network none box echo hello)
[ "$said" = hello ] || fail "a container said '$said'"

step 'upgrade under a running container'
id=$(podman run -d --network none box sh -c 'trap "exit 7" TERM; while :; do sleep 0.1; done')
dpkg -i "$2" > /tmp/dpkg 2>&1 || { cat /tmp/dpkg; fail 'it cannot be upgraded'; }
[ "$(dpkg-query -W -f '${Version}' runchart)" = "$(dpkg-deb -f "$2" Version)" ] || fail 'the version is the old one'
[ "$(podman exec "$id" echo still here)" = 'still here' ] || fail 'the container is gone'
podman stop -t 10 "$id" > /dev/null
[ "$(podman wait "$id")" = 7 ] || fail 'the container was killed, not stopped'
podman rm "$id" > /dev/null

step purge
dpkg --purge runchart > /tmp/dpkg 2>&1 || { cat /tmp/dpkg; fail 'it cannot be purged'; }
files > /tmp/after
diff /tmp/before /tmp/after || fail 'something is left, as shown above'
[ ! -e /run/runchart ] || fail "this is left: $(find /run/runchart)"
