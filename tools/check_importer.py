# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that Galaxy takes the collection: galaxy-importer, with its ansible-lint and ansible-doc, has no warning."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from project import ROOT, publishing, publishing_environment
from tarball import build

#: What Galaxy itself leaves off: whether there is a tag of its fixed list.
SETTINGS = {"GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true"}
#: Said of every collection with files that ansible-test's YAML linter cannot read; `sanity` checks what is in them.
EXPECTED = re.compile(r"^WARNING: Ignore files skip ansible-test sanity tests, found ignore-[\d.]+\.txt with \d+ ")
#: Without these lines something was left out.
DONE = ("Getting doc strings via ansible-doc", "...ansible-lint run complete", "Importer processing completed")


def complaints(said: str) -> list[str]:
    """What is wrong according to what the importer said."""
    lines = [line for line in said.splitlines() if re.match(r"(WARNING|ERROR|CRITICAL)\b", line)]
    missing = [f"the importer did not say: {line}" for line in DONE if line not in said]
    return [line for line in lines if not EXPECTED.match(line)] + missing


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tarball = build(place)
        (place / "ansible.cfg").touch()
        environment = publishing_environment(
            ANSIBLE_CONFIG=f"{folder}/ansible.cfg", GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP=f"{folder}/tmp", **SETTINGS
        )
        program = [str(publishing() / "bin" / "python"), str(ROOT / "tools" / "import_collection.py"), str(tarball)]
        done = subprocess.run(program, cwd=place, env=environment, capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr, sep="")
        wrong = complaints(done.stdout)
        result = place / "importer_result.json"
        contents = json.loads(result.read_text())["contents"] if result.exists() else []
    if done.returncode or wrong:
        print("Galaxy would complain:", *wrong, sep="\n")
        return 1
    print(f"{len(contents)} contents imported, no complaints")
    return 0 if contents else 1


if __name__ == "__main__":
    sys.exit(main())
