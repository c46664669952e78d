# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the README's picture, docs/images/report.png, from the recorded run in tests/fixtures/results.

Needs a Chromium: apt-get install chromium, or its path in CHROMIUM. The collection's own report makes the page; the
picture leaves out the sections in HIDDEN, so that the figures are near the top. Run it with .venv/bin/python when the
report looks different.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from project import ROOT

PICTURE = ROOT / "docs" / "images" / "report.png"
STUDENT = "student-01"
SIZE = (1100, 1470)
#: CSS selectors of what the picture leaves out.
HIDDEN = ("nav", "#stages", "#problems", "#shards", "#timeline table")
#: The picture must stay below this many bytes.
LIMIT = 200_000


def report(results: Path) -> Path:
    """Make the report of the recorded run in a folder of results, and return the path of its page."""
    shutil.copytree(ROOT / "tests" / "fixtures" / "results" / STUDENT, results / STUDENT)
    options = f"results_dir={results} student={STUDENT} table=false"
    ansible = [str(Path(sys.executable).with_name("ansible")), "localhost"]
    subprocess.run(
        [*ansible, "-m", "temporal_lab.benchmarking.lab_report", "-a", options],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )
    return next(results.glob("*/*/report.html"))


def photograph(page: Path, picture: Path, profile: Path) -> None:
    """Draw the top of a page with Chromium, which keeps its own files in the folder ``profile``."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("There is no chromium on PATH: install it (apt-get install chromium), or give its path in CHROMIUM.")
    command = [chromium, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-sync"]
    command += ["--disable-quic", "--disable-background-networking", "--disable-component-update"]
    # Chromium's sandbox does not work as root; the page is our own.
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    command += [f"--user-data-dir={profile}", "--window-size={},{}".format(*SIZE), f"--screenshot={picture}"]
    subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=120)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        page = report(place)
        style = f"<style>{', '.join(HIDDEN)} {{ display: none }} #figures {{ margin-top: 1rem }}</style></head>"
        page.write_text(page.read_text(encoding="utf-8").replace("</head>", style, 1), encoding="utf-8")
        photograph(page, place / "picture.png", place / "profile")
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        # A page has few colours; with a palette the picture is a third of the size.
        with Image.open(place / "picture.png") as picture:
            picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(ROOT)}: {size} bytes")
    return 0 if size < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
