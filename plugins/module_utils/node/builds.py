# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the node's parts, or find them in the cache.

A build lives in ``<cache>/builds/<part>-<key>``. The key is made of all that
decides its content: commands, environment, Go's version, the content of source
files and the keys of the parts it needs. A folder of that name is whole: it is
built under another name and renamed.
"""

from __future__ import annotations

import concurrent.futures
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from ..files import private_opener
from ..owned_folder import check_folder, own_folder
from .parts import Part
from .progress import Progress, clock

Show = Callable[[str], None]

CACHE_CURE = "set XDG_CACHE_HOME to a folder that only you can write to"
#: Of the commands: what they make is the same under any other, and its modes are part of the images.
UMASK = 0o022
#: Seconds between two lines of progress.
PROGRESS_INTERVAL = 15.0

#: Free disk that a first build needs, in bytes: Go's module and build caches and the images.
FREE_DISK = 9 * 1024**3


@dataclass(frozen=True)
class Workshop:
    """What builds are made with.

    cache: folder of the builds. files: the collection's files folder.
    go: path of the go command. go_version: what it calls itself.
    """

    cache: Path
    files: Path
    go: str
    go_version: str


def _digest(path: Path) -> str:
    """Return a hash over the names and contents of a file or of all files of a folder."""
    found = hashlib.sha256()
    files = [path] if path.is_file() else sorted(entry for entry in path.rglob("*") if entry.is_file())
    for file in files:
        if "__pycache__" in file.parts:
            continue
        found.update(f"{file.relative_to(path.parent)}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def keys(parts: Iterable[Part], files: Path, go_version: str) -> dict[str, str]:
    """Return each part's key: sixteen hexadecimal digits that stand for its content."""
    found: dict[str, str] = {}
    for part in parts:
        inputs = {
            "commands": part.commands,
            "environment": dict(part.environment),
            "go": go_version if any(command[0] == "go" for command in part.commands) else None,
            "machine": platform.machine(),
            "sources": {source: _digest(files / source) for source in part.sources},
            "needs": {need: found[need] for need in part.needs},
        }
        found[part.name] = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    return found


def _debian_sources() -> str:
    """Return the machine's own Debian sources, so that a mirror it is set up for is used."""
    for candidate in ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"):
        path = Path(candidate)
        if path.is_file() and path.stat().st_size:
            return candidate
    raise LabError(
        "the embedded node's images are made of Debian packages, and this machine has neither "
        "/etc/apt/sources.list.d/debian.sources nor /etc/apt/sources.list: use Debian 12"
    )


def own_cache(workshop: Workshop) -> None:
    """Make the cache's folders, or raise LabError when others can change what is in them: root runs that."""
    own_folder(workshop.cache / "builds", "The cache", CACHE_CURE)
    own_folder(workshop.cache, "The cache", CACHE_CURE)


def check_go_caches(workshop: Workshop) -> None:
    """Raise LabError when others can write to what Go builds from and takes as built."""
    try:
        # pylint: disable-next=ansible-bad-function
        said = subprocess.run(
            [workshop.go, "env", "GOCACHE", "GOMODCACHE"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        # The build says what is wrong with it.
        return
    for name, folder in zip(("GOCACHE", "GOMODCACHE"), said.stdout.splitlines()):
        if Path(folder).is_absolute():
            own_folder(Path(folder), f"Go's folder {name}", f"set {name} to a folder that only you can write to")


def check_disk(workshop: Workshop) -> None:
    """Raise LabError when the cache's disk has too little room for a first build, or others can write to it."""
    own_cache(workshop)
    free = shutil.disk_usage(workshop.cache).free
    if free < FREE_DISK:
        raise LabError(
            f"building the embedded node needs {FREE_DISK / 1024**3:.0f} GiB of disk and {workshop.cache} has "
            f"{free / 1024**3:.1f} GiB free: free some, or set XDG_CACHE_HOME and GOCACHE to a larger disk"
        )


#: What a registry that does not answer makes Go, pip and apt say.
_REGISTRY = re.compile(
    r"dial tcp|connection refused|timed? ?out|temporary failure|could not (resolve|connect)|no such host"
    r"|40[37] |50[234] |max retries|failed to fetch",
    re.IGNORECASE,
)


def _explain(part: Part, arguments: Sequence[str], code: int, log: Path) -> LabError:
    """Return the one sentence for a build command that failed."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "no message"
    cure = "read the log"
    if any("no space left on device" in line.lower() for line in lines):
        cure = "the disk is full: free some, or set XDG_CACHE_HOME and GOCACHE to a larger one"
    elif any(_REGISTRY.search(line) for line in lines):
        cure = (
            "a package registry did not answer: check the network and the settings GOPROXY, PIP_INDEX_URL "
            "and apt's sources, then run it again"
        )
    return LabError(
        f"building {part.title} failed: `{' '.join(arguments[:2])} …` ended with {code} ({last}); {cure} (log: {log})"
    )


def _run_commands(part: Part, workshop: Workshop, out: Path, folders: dict[str, Path]) -> None:
    """Carry out a part's commands with output to the log beside its folder."""
    places = {
        "out": str(out),
        "files": str(workshop.files),
        "python": sys.executable,
        **{name.replace("-", "_"): str(folder) for name, folder in folders.items()},
    }

    def fill(text: str) -> str:
        # Only the names known: commands hold JSON and shell text with braces of their own.
        for name, value in places.items():
            text = text.replace(f"{{{name}}}", value)
        return text.replace("{debian}", _debian_sources()) if "{debian}" in text else text

    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
    environment.update({name: fill(value) for name, value in part.environment.items()})
    log = workshop.cache / "builds" / f"{part.name}.log"
    with open(log, "wb", opener=private_opener) as output:
        for command in part.commands:
            arguments = [fill(argument) for argument in command]
            if arguments[0] == "go":
                arguments[0] = workshop.go
            try:
                # pylint: disable-next=ansible-bad-function
                code = subprocess.run(
                    arguments, cwd=out, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, check=False, umask=UMASK,
                ).returncode  # fmt: skip
            except FileNotFoundError:
                raise LabError(
                    f"building {part.title} needs the command {arguments[0]}, which this machine does not have: "
                    "run make setup"
                ) from None
            if code:
                raise _explain(part, [Path(arguments[0]).name, *arguments[1:]], code, log)


def build_part(part: Part, workshop: Workshop, folders: dict[str, Path], progress: Progress, show: Show) -> None:
    """Build one part into its folder, unless another process has built it in the meantime."""
    top = workshop.cache / "builds"
    folder = folders[part.name]
    with open(top / f"{part.name}.lock", "w", encoding="utf-8", opener=private_opener) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        progress.start(part)
        if not folder.is_dir():
            partial = top / f"{part.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(0o777 & ~UMASK)
            _run_commands(part, workshop, partial, folders)
            partial.rename(folder)
            show(f"built {part.title} in {clock(progress.end(part))}")
        else:
            progress.end(part)


def part_folders(parts: Sequence[Part], workshop: Workshop) -> dict[str, Path]:
    """Return the folder in the cache that each part has or would have."""
    found = keys(parts, workshop.files, workshop.go_version)
    return {part.name: workshop.cache / "builds" / f"{part.name}-{found[part.name]}" for part in parts}


def missing(parts: Sequence[Part], workshop: Workshop) -> list[Part]:
    """Return the parts that the cache does not hold. Raises LabError when others can write to it."""
    check_folder(workshop.cache / "builds", "The cache", CACHE_CURE)
    folders = part_folders(parts, workshop)
    return [part for part in parts if not folders[part.name].is_dir()]


def build(parts: Sequence[Part], workshop: Workshop, show: Show) -> dict[str, Path]:
    """Build what the cache does not hold yet, with a line of progress now and then.

    Returns:
        part name to its folder.

    Raises:
        LabError: others can write to the cache; or a build failed: says which command, its last line and the log.
    """
    check_folder(workshop.cache / "builds", "The cache", CACHE_CURE)
    folders = part_folders(parts, workshop)
    wanted = [part for part in parts if not folders[part.name].is_dir()]
    if not wanted:
        return folders
    check_disk(workshop)
    check_go_caches(workshop)
    top = workshop.cache / "builds"
    about = clock(sum(part.seconds for part in wanted))
    show(
        f"building {len(wanted)} of {len(parts)} parts of the node, about {about} on two idle cores; "
        f"they are kept in {top}"
    )
    progress = Progress(len(wanted))
    heavy = threading.Lock()
    stop = threading.Event()
    futures: dict[str, concurrent.futures.Future[None]] = {}

    def work(part: Part) -> None:
        for need in part.needs:
            if need in futures:
                futures[need].result()
        lock = heavy if part.heavy else threading.Lock()
        with lock:
            if not stop.is_set():
                build_part(part, workshop, folders, progress, show)

    # One thread a part: threads wait for their needs, so fewer could deadlock.
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        for part in wanted:
            futures[part.name] = pool.submit(work, part)
        waiting = set(futures.values())
        try:
            while waiting:
                done, waiting = concurrent.futures.wait(
                    waiting, timeout=PROGRESS_INTERVAL, return_when=concurrent.futures.FIRST_EXCEPTION
                )
                for future in done:
                    future.result()
                if waiting:
                    show(progress.line())
        except BaseException:
            # What runs ends by itself; nothing new is begun.
            stop.set()
            raise
    return folders
