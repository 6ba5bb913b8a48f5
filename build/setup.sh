#!/bin/bash
# Makes a fresh machine ready: the npm packages of the lock file, and Debian packages.
# Bash, since nothing else is there yet: the engines that run our TypeScript are among the npm packages.
# Runs before each build, quickstart and test, and returns at once when there is nothing to do.
#
#   setup.sh build        what linking needs
#   setup.sh quickstart   and a root file system to run
#   setup.sh test         and what tests compare with; what can't be installed costs skipped tests, not a failure
#
# RUNCHART_NO_APT=1 leaves the system alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup: $*" >&2; }

# npm itself must not run on the engine in node_modules that it is about to replace.
PATH=$(echo "$PATH" | tr : '\n' | grep -v '/node_modules/' | paste -sd :)

case $(uname -m) in
  x86_64) bun_arch=x64 cross_compiler=gcc-aarch64-linux-gnu ;;
  aarch64) bun_arch=aarch64 cross_compiler=gcc-x86-64-linux-gnu ;;
  *) say "runchart runs on x86_64 and aarch64, not on $(uname -m)"; exit 1 ;;
esac

npm_packages() {
  if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    say 'installing the npm packages'
    # Warnings are about the machine's own Node, which only npm runs on.
    npm ci --loglevel=error --no-fund --no-audit >&2
  fi
  # The package of Bun declares no command.
  [ -e node_modules/.bin/bun ] || ln -s "../@oven/bun-linux-$bun_arch/bin/bun" node_modules/.bin/bun
  if ! node_modules/.bin/bun --version > /dev/null; then
    say 'Bun does not start: is the optional package @oven/bun-linux-* installed?'
    exit 1
  fi
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
    say "not installed: ${missing[*]} (as root: apt-get install ${missing[*]})"
    return 0
  fi
  say "installing Debian packages: ${missing[*]}"
  # The lists may be there already; a fresh image has none, an old one has stale ones.
  apt install --no-install-recommends "${missing[@]}" 2> /dev/null && return 0
  apt update || true
  apt install --no-install-recommends "${missing[@]}" 2> /dev/null && return 0
  for package in "${missing[@]}"; do
    apt install --no-install-recommends "$package" || say "not installed: $package (what needs it will be skipped)"
  done
}

case ${1:-build} in
  build) packages=() ;;
  quickstart) packages=(busybox-static) ;;
  test)
    packages=(
      busybox-static runc crun strace uidmap "$cross_compiler"
      # Engines, and what they need to run a container.
      podman conmon catatonit containernetworking-plugins containerd docker.io
      # The C is fuzzed and analysed (test/fuzz/, test/build/analysis.test.ts).
      clang libclang-rt-14-dev clang-tidy
    )
    # For the test machine (test/vm/).
    [ "$bun_arch" != x64 ] || packages+=(mmdebstrap qemu-system-x86 e2fsprogs)
    ;;
  *) say "unknown purpose: $1"; exit 2 ;;
esac
# Node 26 is linked with libatomic.
packages+=(libatomic1)
command -v gcc > /dev/null || command -v cc > /dev/null || packages+=(gcc)
# For koffi's addon (build/koffi.ts).
command -v g++ > /dev/null || packages+=(g++)

exec 9< package.json
flock 9
npm_packages
debian_packages "${packages[@]}"
if ! command -v gcc > /dev/null && ! command -v cc > /dev/null; then
  say 'a C compiler is needed: apt-get install gcc'
  exit 1
fi
