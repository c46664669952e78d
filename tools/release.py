# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a release, up to the upload.

tools/release.py VERSION [DAY]   write the version where it stands, and date the changelog; you review and commit that
tools/release.py                 build what is committed, check it as Galaxy does, and print the commands that are left

DAY is today unless given, as in 2026-12-01. docs/releasing.md is the whole checklist.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import subprocess
import sys

import changelog
import yaml
from project import ROOT
from tarball import NAME, NAMESPACE, build

VERSION = re.compile(r"^\d+\.\d+\.\d+$")
#: The places of the version, and how it stands there.
PLACES = {"galaxy.yml": "version: {}\n", "plugins/module_utils/version.py": 'VERSION = "{}"\n'}
#: Where releases are built, outside of what git and the collection hold.
DIST = ROOT / "tests" / "output" / "release"
CHECKS = ("galaxy", "importer", "reference", "changelog")


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def current() -> str:
    """The version in galaxy.yml."""
    return str(yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"])


def dated(text: str, version: str, day: str) -> str:
    """CHANGELOG.md with its topmost section as that of the version. Raises changelog.Wrong."""
    versions = changelog.read(text)
    released = [found.released[0] for found in versions if found.released]
    if not versions or versions[0].heading != changelog.UNRELEASED or not any(versions[0].changes.values()):
        raise changelog.Wrong(f"CHANGELOG.md has no section {changelog.UNRELEASED!r} with entries at its top.")
    if released and numbers(version) <= numbers(released[0]):
        raise changelog.Wrong(f"{version} is not newer than {released[0]}, the newest in CHANGELOG.md.")
    return text.replace(f"## {changelog.UNRELEASED}\n", f"## {version} ({day})\n", 1)


def prepare(version: str, day: str) -> int:
    """Write the version and the day into all files that have them."""
    before = current()
    if numbers(version) < numbers(before):
        sys.exit(f"{version} is older than {before} in galaxy.yml: give a newer version.")
    page = dated(changelog.PAGE.read_text(encoding="utf-8"), version, day)
    texts = {changelog.PAGE: page}
    data = changelog.release(changelog.read(page), yaml.safe_load(changelog.DATA.read_text(encoding="utf-8")))
    texts[changelog.DATA] = changelog.written(data)
    for name, form in PLACES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        if text.count(form.format(before)) != 1:
            sys.exit(f"{name} does not have {form.format(before).strip()!r} once: correct that first.")
        texts[ROOT / name] = text.replace(form.format(before), form.format(version))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
        print(f"written: {path.relative_to(ROOT)}")
    print(f'Review it, commit it as "Release {version}", then run tools/release.py again.')
    return 0


def problems(version: str) -> list[str]:
    """Why what is in the work tree is no release."""
    status = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True)
    newest = changelog.read(changelog.PAGE.read_text(encoding="utf-8"))[0]
    found = []
    if status.stdout:
        found.append("The work tree has changes that are not committed: commit or remove them.")
    if not newest.released or newest.released[0] != version:
        found.append(
            f"The topmost section of CHANGELOG.md is {newest.heading!r} and not version {version} of galaxy.yml: "
            "run tools/release.py VERSION first."
        )
    return found


def publish() -> int:
    """Build and check, and say what is left to do."""
    version = current()
    wrong = problems(version)
    if wrong:
        print(*wrong, sep="\n")
        return 1
    checks = [str(ROOT / ".venv" / "bin" / "python"), "tools/check.py", *CHECKS]
    if subprocess.run(checks, cwd=ROOT, check=False).returncode:
        return 1
    DIST.mkdir(parents=True, exist_ok=True)
    for old in DIST.glob("*.tar.gz"):
        old.unlink()
    tarball = build(DIST)
    shown = tarball.relative_to(ROOT)
    print(
        f"""
{shown}
sha256 {hashlib.sha256(tarball.read_bytes()).hexdigest()}

Left to do, when `make test` and `make matrix` have passed on this commit:
  git tag --annotate v{version} --message "{NAMESPACE}.{NAME} {version}"
  git push origin main v{version}
  ansible-galaxy collection publish {shown}       # with the token of Galaxy in ansible.cfg or --token
and attach the tarball to the release of the tag, with its part of CHANGELOG.md as the text."""
    )
    return 0


def main(arguments: list[str]) -> int:
    try:
        if not arguments:
            return publish()
        version, day = (*arguments, datetime.datetime.now(datetime.timezone.utc).date().isoformat())[:2]
        if len(arguments) > 2 or not VERSION.match(version):
            sys.exit(f"{version!r} is no version such as 1.2.0; tools/release.py VERSION [DAY]")
        datetime.date.fromisoformat(day)
        return prepare(version, day)
    except (changelog.Wrong, ValueError) as wrong:
        print(wrong)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
