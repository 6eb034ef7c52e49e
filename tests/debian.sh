#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# debian.sh SUITE FOLDER: builds the tracked files of this tree in a chroot of another Debian
# release, without warnings, with gcc and with clang, and runs the tests of the gcc build there.
# T=PATTERN chooses tests. The chroot is made once (some 300 MB, then 2 GB with all packages) and
# used again; the tree in it is laid anew each time, its build folder stays.
#
# Mounts live in a namespace of their own and end with it, so FOLDER may be deleted at any time.
set -euo pipefail
suite=$1 root=$2
tree=$(cd "$(dirname "$0")/.." && pwd)

if (($(id -u) != 0)); then
    echo "debian.sh: only root can make a chroot: run make debian13 as root" >&2
    exit 1
fi

if [[ ! -e $root/complete ]]; then
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include=make,ca-certificates "$suite" "$root"
    touch "$root/complete"
fi

# The chroot asks the same name servers, and trusts whom this machine trusts.
for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt /etc/npmrc; do
    [[ ! -e $file ]] || cp -L "$file" "$root$file"
done
mkdir -p "$root/cordon"
find "$root/cordon" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git -C "$tree" ls-files -z | tar -C "$tree" --null -T - -cf - | tar -C "$root/cordon" -xf -

cat >"$root/inside" <<'SH'
set -euo pipefail
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
cd /cordon
. /etc/os-release
echo "==== $PRETTY_NAME"
make deps-test
make deps-lint
make WERROR=1 all
make CC=clang WERROR=1 all
make T="$T" test
SH
# shellcheck disable=SC2016 # the inner shell expands it
unshare --mount --pid --fork bash -c '
    mount --rbind /dev "$1/dev"
    exec chroot "$1" env -u CC -u BUILD -u MAKEFLAGS -u MAKELEVEL bash /inside' bash "$root"
