#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `make lab` does with the options that it was given: tools/lab.sh check|run
#
#   check  refuses what no run could use, before anything is set up
#   run    runs the lab
#
# The options come as they were typed, in GIVEN_<OPTION> of the environment: a path may have spaces, quotes and dollar
# signs, which neither make nor a shell may take for its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "make: $*" >&2
    exit 1
}

kubeconfig=${GIVEN_KUBECONFIG:-}
case $kubeconfig in
"") ;;
\~/*) kubeconfig=$HOME/${kubeconfig#"~/"} ;;
/*) ;;
*) kubeconfig=$PWD/$kubeconfig ;;
esac

case $1 in
check)
    if [ -n "$kubeconfig" ] && [ ! -e "$kubeconfig" ]; then
        fail "there is no file $kubeconfig: give KUBECONFIG the path of a kubeconfig"
    fi
    ;;
run)
    PATH=$PWD/.venv/bin:$PATH
    export PATH ANSIBLE_CONFIG=$PWD/ansible.cfg
    # JSON, because Ansible splits key=value at spaces
    settings=$(KUBECONFIG_PATH=$kubeconfig python -c '
import json, os
settings = {"lab_window": os.environ["GIVEN_WINDOW"]}
if os.environ["KUBECONFIG_PATH"]:
    settings["lab_kubeconfig"] = os.environ["KUBECONFIG_PATH"]
    settings["lab_distribution"] = os.environ.get("GIVEN_DISTRIBUTION") or "upstream"
if os.environ.get("GIVEN_EXEC"):
    settings["lab_kubeconfig_exec"] = True
print(json.dumps(settings))')
    exec ansible-playbook lab.yml -e "$settings" \
        ${GIVEN_STUDENT:+--limit "$GIVEN_STUDENT"} ${GIVEN_TAGS:+--tags "$GIVEN_TAGS"}
    ;;
esac
