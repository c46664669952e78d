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

# run before test, which takes run.txt as given; archives, Go and the matrix come without what they depend on
for set in run test archives go publish matrix-2.20 matrix-2.21; do
    options=()
    python=3.11
    case $set in archives | go | matrix-*) options=(--no-deps) ;; esac
    case $set in matrix-2.20) python=3.12 ;; matrix-2.21) python=3.13 ;; esac
    echo "requirements: $set.in -> $set.txt"
    "$work/venv/bin/uv" pip compile --quiet --universal --python-version "$python" --generate-hashes \
        --no-emit-index-url --no-header "${options[@]}" --output-file "$work/$set.txt" "requirements/$set.in"
    {
        echo "# SPDX-License-Identifier: GPL-3.0-or-later"
        echo "# Made by \`make requirements\` from $set.in: change that file."
        cat "$work/$set.txt"
    } >"requirements/$set.txt"
done
