#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Pin requirements/*.in in requirements/*.txt, with the hashes of every file of a version.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uv_version=0.13.9 # the output changes a little between versions
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.venv/bin/python -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "uv==$uv_version"

# run before test, which takes run.txt as given; archives and Go come without what they depend on
for set in run test archives go publish; do
    options=()
    case $set in archives | go) options=(--no-deps) ;; esac
    echo "requirements: $set.in -> $set.txt"
    "$work/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header "${options[@]}" --output-file "$work/$set.txt" "requirements/$set.in"
    {
        echo "# SPDX-License-Identifier: GPL-3.0-or-later"
        echo "# Made by \`make requirements\` from $set.in: change that file."
        cat "$work/$set.txt"
    } >"requirements/$set.txt"
done
