# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the documentation of plugins and roles as Ansible's own documentation site would render it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from project import publishing_environment
from tarball import build, install, without_links


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        empty = install(build(place), place)
        collection = without_links(place)
        empty["ANSIBLE_COLLECTIONS_PATH"] = str(place / "plain")
        command = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "all", "."]
        print("$", " ".join(command), flush=True)
        done = subprocess.run(command, cwd=collection, env=publishing_environment(**empty), check=False)
        if done.returncode:
            return 1
        plugins = [
            path
            for kind in ("modules", "filter", "inventory", "lookup", "callback")
            for path in (collection / "plugins" / kind).glob("*.py")
        ]
        roles = list((collection / "roles").glob("*/meta/argument_specs.yml"))
        print(f"{len(plugins)} plugins and {len(roles)} roles documented, no complaints")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} ended with {error.returncode}")
