# SPDX-License-Identifier: GPL-3.0-or-later
"""Try the collection with every supported pair of Python and ansible-core, and end with a table.

tools/matrix.py [ANSIBLE_CORE...] [STEP...]   all, or those named, such as `2.21 units`

For each pair: ansible-test sanity, all unit tests, and the collection installed from its tarball into an empty place,
where it makes a report and ends preflight with a sentence as there is no cluster. What a step prints is kept in
tests/output/matrix-*.log. What this machine lacks is listed as not run, with the reason.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import archives
import supported
from check import OUTPUT, PYTESTS, ansible_test_place
from project import ROOT
from supported import Pair
from tarball import build

#: A kubeconfig of a server that does not exist: nothing listens on port 1.
NOWHERE = """\
apiVersion: v1
kind: Config
current-context: nowhere
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: nobody, user: {token: none}}]
"""
#: What no run may print.
WRONG = re.compile(r"Traceback \(most recent|\[DEPRECATION WARNING\]")
#: A requirement with its hashes, as uv writes it.
PINNED = re.compile(r"^([\w.-]+)==.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


class Missing(Exception):
    """Why something cannot be run on this machine."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    step: str
    result: str
    checked: str
    seconds: float = 0.0


def interpreter(version: str) -> Path:
    """A Python of that version with venv, on PATH or under pyenv; raises Missing."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    on_path = shutil.which(f"python{version}")
    for place in [*([Path(on_path)] if on_path else []), *sorted(pyenv.glob(f"{version}.*/bin/python"))]:
        asked = [str(place), "-c", "import ensurepip, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return place
    raise Missing(f"no Python {version} with venv on this machine")


def pins(pair: Pair) -> str:
    """All that the pair's virtual environment holds, with hashes: run.txt and test.txt with its own ansible-core."""
    own = {found[1]: found[0] for found in PINNED.finditer(pair.pins.read_text())} if pair.pins else {}
    texts = [(ROOT / "requirements" / name).read_text() for name in ("run.txt", "test.txt")]
    found = {match[1]: match[0] for text in texts for match in PINNED.finditer(text)}
    return "".join({**found, "ansible-core": own.get("ansible-core", found["ansible-core"])}.values())


def virtual_environment(pair: Pair) -> Path:
    """The pair's virtual environment, made where there is none; the oldest pair's is that of `make setup`."""
    main = (ROOT / ".venv").resolve()
    if pair.pins is None:
        if f"{sys.version_info.major}.{sys.version_info.minor}" != pair.python:
            raise Missing(f"`make setup` found another Python than {pair.python}")
        return main
    python = interpreter(pair.python)
    text = pins(pair)
    key = hashlib.sha256((text + pair.pins.read_text()).encode()).hexdigest()[:12]
    # beside the main one, for all checkouts
    place = main.parent / f"matrix-{pair.python}-{pair.ansible_core}-{key}"
    if (place / ".complete").exists():
        return place
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([str(python), "-m", "venv", str(place)], check=True)
    pip = [str(place / "bin" / "python"), "-m", "pip"]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes", "--requirement"]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "pins.txt").write_text(text)
        subprocess.run([*pip, "install", *quiet, str(work / "pins.txt")], check=True)
        subprocess.run([*pip, "download", "--dest", folder, *quiet, str(pair.pins)], check=True)
        [site_packages] = place.glob("lib/python*/site-packages")
        archives.unpack_collection(archives.one(work, "ansible-*.whl"), site_packages)
    for program in archives.PROGRAMS:
        (place / "bin" / program).symlink_to(main / "bin" / program)
    (place / ".complete").touch()
    return place


def environment(place: Path, **more: str) -> dict[str, str]:
    """The environment of a run with a virtual environment: its programs first, no settings and no cluster of a user."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "KUBECONFIG"))}
    return {**own, "PATH": os.pathsep.join([str(place / "bin"), os.environ["PATH"]]), "NO_COLOR": "1", **more}


def run(command: Iterable[str], log: Path, folder: Path, given: dict[str, str]) -> tuple[int, str]:
    """Run a command with its output appended to a log; its exit code and output."""
    done = subprocess.run(
        list(command), cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    with log.open("a") as kept:
        kept.write(f"$ {' '.join(command)}\n{done.stdout}\n")
    return done.returncode, done.stdout


def sanity(pair: Pair, place: Path, log: Path) -> str:
    """ansible-test sanity; how many tests it ran."""
    command = ["ansible-test", "sanity", "--python", pair.python, "--color", "no"]
    code, said = run(command, log, ansible_test_place(), environment(place))
    ran = len(re.findall(r'^Running sanity test "', said, re.MULTILINE))
    return f"{ran} tests" if code == 0 and ran else ""


def units(pair: Pair, place: Path, log: Path) -> str:
    """All unit tests; how many passed."""
    command = [str(place / "bin" / "python"), "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    code, said = run([*command, "--numprocesses=2", "--dist=loadfile"], log, ROOT, environment(place))
    return PYTESTS(said) if code == 0 else ""


def installed(pair: Pair, place: Path, log: Path) -> str:
    """The tarball in an empty place: a report of recorded results, and preflight without a cluster."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        found = {"ANSIBLE_COLLECTIONS_PATH": f"{folder}/collections", "ANSIBLE_CONFIG": f"{folder}/ansible.cfg"}
        given = environment(place, HOME=folder, **found)
        (work / "ansible.cfg").touch()
        (work / "kubeconfig").write_text(NOWHERE)
        tarball = build(work)
        offline = ["ansible-galaxy", "collection", "install", "--offline", "-p", "collections", str(tarball)]
        results = work / "results"
        shutil.copytree(ROOT / "tests" / "fixtures" / "results" / "student-01", results / "student-01")
        play = [
            "ansible-playbook",
            "-i",
            "student-01,",
            "-c",
            "local",
            "temporal_lab.benchmarking.lab",
            "-e",
            f"lab_results_dir={results}",
        ]
        report = [*play, "--tags", "report"]
        preflight = [*play, "--tags", "preflight", "-e", f"lab_kubeconfig={folder}/kubeconfig"]
        codes, texts = zip(*(run(command, log, work, given) for command in (offline, report, preflight)))
        good = {
            "installed": codes[0] == 0,
            "report": codes[1] == 0 and bool(list(results.glob("student-01/*/report.html"))),
            "preflight ends with a sentence": codes[2] == 2 and "http://127.0.0.1:1" in texts[2],
            "no traceback, nothing deprecated": not any(WRONG.search(text) for text in texts),
        }
    with log.open("a") as kept:
        kept.write("".join(f"{name}: {'yes' if well else 'NO'}\n" for name, well in good.items()))
    return f"{len(good)} conditions" if all(good.values()) else ""


STEPS: dict[str, Callable[[Pair, Path, Path], str]] = {"installed": installed, "sanity": sanity, "units": units}


def try_pair(pair: Pair, steps: Iterable[str]) -> Iterator[Row]:
    """The rows of a pair, each as it is known."""
    try:
        place = virtual_environment(pair)
    except Missing as missing:
        yield Row(pair.name, "all", "not run", str(missing))
        return
    for step in steps:
        log = OUTPUT / f"matrix-{pair.ansible_core}-{step}.log"
        log.unlink(missing_ok=True)
        began = time.monotonic()
        checked = STEPS[step](pair, place, log)
        result = "passed" if checked else "FAILED"
        yield Row(pair.name, step, result, checked or str(log.relative_to(ROOT)), time.monotonic() - began)


def table(rows: Iterable[Row]) -> str:
    """The table as text."""
    cells = [("with", "step", "result", "checked", "seconds")]
    cells += [(row.what, row.step, row.result, row.checked, f"{row.seconds:.0f}") for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells)


def main(names: list[str]) -> int:
    """Run what is named, or all; 0 when everything that could be run passed."""
    os.umask(os.umask(0o022) | 0o022)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    steps = [step for step in STEPS if step in names] or list(STEPS)
    asked = [name for name in names if name not in STEPS]
    known = {pair.ansible_core: pair for pair in supported.pairs()}
    unknown = sorted(set(asked) - set(known))
    if unknown:
        sys.exit(f"There is no {', '.join(unknown)}: choose of {', '.join([*known, *STEPS])}.")
    rows = []
    for core in asked or known:
        for row in try_pair(known[core], steps):
            print(f"{row.result:8} {row.what}: {row.step} ({row.checked})", flush=True)
            rows.append(row)
    print(f"\n{table(rows)}")
    return 0 if rows and all(row.result != "FAILED" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
