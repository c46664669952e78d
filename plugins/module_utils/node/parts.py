# SPDX-License-Identifier: GPL-3.0-or-later
"""What is built for the embedded node, from package registries alone.

Data only: builds.py carries it out. Versions are set here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

KUBERNETES = "1.34.4"
TEMPORAL = "1.31.2"
PROMETHEUS = "3.16.0"
POSTGRESQL = "15"
BENCHMARK = "0.1.0"
DEBIAN = "bookworm"

#: Oldest Go that can build all of it: Prometheus asks for the most.
GO = (1, 26, 7)

IMAGES = "localhost/temporal-lab"

#: Without symbol tables and debug information a binary is a third smaller.
_SMALL = ("-trimpath", "-gcflags=all=-dwarf=false")

#: What no program of an image reads goes: it is most of a Debian package's size.
#: Users and groups are written here because no maintainer script makes them.
_TRIM = r"""
cd "$1"
rm -rf usr/share/doc usr/share/man usr/share/info usr/share/locale usr/share/i18n usr/share/lintian usr/include \
  usr/share/perl usr/share/perl5 usr/bin/*perl* usr/lib/*/perl* usr/lib/*/libperl* \
  usr/lib/*/libLLVM* usr/lib/*/libz3* usr/lib/postgresql/*/lib/bitcode usr/lib/postgresql/*/lib/llvmjit* \
  var/lib/apt var/lib/dpkg var/cache
mkdir -p tmp etc
chmod 1777 tmp
{
  echo root:x:0:0:root:/root:/bin/sh
  echo postgres:x:999:999::/var/lib/postgresql:/bin/sh
  echo benchmark:x:65532:65532::/tmp:/bin/sh
} > etc/passwd
printf '%s:\n' root:x:0 postgres:x:999 benchmark:x:65532 > etc/group
"""


@dataclass(frozen=True)
class Part:
    """One thing to build.

    name: of the part and of its folder in the cache.
    title: what a user sees while it is built.
    seconds: how long it takes on two idle cores with modules to download, about.
    commands: argument vectors run in order in the part's folder. ``{out}`` is
        that folder, ``{files}`` the collection's files folder, ``{NAME}`` the
        folder of a needed part with that name, ``{python}`` the interpreter
        and ``{debian}`` the machine's own list of Debian sources.
    environment: added to the machine's.
    sources: paths below the collection's files folder whose content is part
        of the build's key.
    needs: names of parts that must be there before.
    heavy: uses all cores, so that only one such part is built at a time.
    image: name of the image that ``image.tar`` holds, for parts that make one.
    """

    name: str
    title: str
    seconds: int
    commands: Sequence[Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: Sequence[str] = ()
    needs: Sequence[str] = ()
    heavy: bool = False
    image: str | None = None


def _image(
    name: str, version: str, adds: Sequence[tuple[str, str]], settings: Sequence[str]
) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Return an image's name and the commands that put it together in {out}/image.tar."""
    reference = f"{IMAGES}/{name}:{version}"
    # Its own storage in the part's folder: the machine's images are left alone.
    buildah = ("buildah", "--root={out}/storage", "--runroot={out}/run", "--storage-driver=vfs")
    commands: list[tuple[str, ...]] = [(*buildah, "from", "--name=image", "scratch")]
    commands += [(*buildah, "add", "--quiet", "image", source, target) for source, target in adds]
    commands += [
        (*buildah, "config", *settings, "image"),
        # A fixed time, so that equal content is an equal image.
        (*buildah, "commit", "--quiet", "--timestamp=0", "image", reference),
        (*buildah, "push", "--quiet", reference, f"docker-archive:{{out}}/image.tar:{reference}"),
        ("rm", "-rf", "{out}/storage", "{out}/run"),
    ]
    return reference, tuple(commands)


def _rootfs(packages: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the commands that unpack Debian packages and what they depend on into {out}/rootfs.tar.

    Unpacked, not installed: no maintainer script runs, which makes it a matter
    of seconds and leaves out the daemon's example cluster.
    """
    include = ",".join(("dash", "coreutils", "sed", "grep", "libc-bin", "tzdata", *packages))
    return (
        ("sh", "-c", f"cat > {{out}}/trim.sh <<'END'\n{_TRIM}END\n"),
        (
            "mmdebstrap",
            "--variant=extract",
            f"--include={include}",
            '--extract-hook=sh {out}/trim.sh "$1"',
            DEBIAN,
            "{out}/rootfs.tar",
            "{debian}",
        ),
    )


_STATIC = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}

_COMPONENTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "etcd",
    "coredns",
)


def _node() -> Part:
    build = ("go", "-C", "{files}/node", "build", "-mod=readonly", *_SMALL)
    version = f"-X k8s.io/component-base/version.gitVersion=v{KUBERNETES}"
    return Part(
        name="node",
        title=f"Kubernetes {KUBERNETES}, etcd and DNS",
        seconds=330,
        commands=(
            (*build, f"-ldflags=-s -w {version}", "-o", "{out}/node", "./cmd/node"),
            (*build, "-ldflags=-s -w", "-o", "{out}/pause", "./cmd/pause"),
            *(("ln", "-s", "node", f"{{out}}/{component}") for component in _COMPONENTS),
        ),
        environment=_STATIC,
        sources=("node/go.mod", "node/go.sum", "node/cmd"),
        heavy=True,
    )


def _installed(
    name: str, title: str, seconds: int, packages: Sequence[str], tags: str = "", variables: str = ""
) -> Part:
    """Return a part that is Go programs of a published module.

    tags: build tags. variables: linker flags that set variables of the programs.
    """
    tagged = (f"-tags={tags}",) if tags else ()
    return Part(
        name=name,
        title=title,
        seconds=seconds,
        commands=(("go", "install", *_SMALL, *tagged, f"-ldflags=-s -w {variables}".rstrip(), *packages),),
        environment={**_STATIC, "GOBIN": "{out}"},
        heavy=True,
    )


def _postgresql_image() -> Part:
    image, commands = _image(
        "postgresql",
        POSTGRESQL,
        [("{out}/rootfs.tar", "/")],
        (f"--env=PATH=/usr/lib/postgresql/{POSTGRESQL}/bin:/usr/bin:/bin", "--env=LANG=C.UTF-8", "--user=999:999"),
    )
    return Part(
        name="image-postgresql",
        title=f"image of PostgreSQL {POSTGRESQL}",
        seconds=25,
        commands=(*_rootfs([f"postgresql-{POSTGRESQL}"]), *commands, ("rm", "{out}/rootfs.tar")),
        image=image,
    )


def _benchmark_image() -> Part:
    image, commands = _image(
        "benchmark",
        BENCHMARK,
        [("{out}/rootfs.tar", "/"), ("{out}/lib", "/app/lib"), ("{files}/benchmark/benchmark", "/app/benchmark")],
        (
            "--env=PATH=/usr/bin:/bin",
            "--env=PYTHONPATH=/app:/app/lib",
            "--env=PYTHONUNBUFFERED=1",
            "--env=LANG=C.UTF-8",
            "--workingdir=/app",
            "--user=65532:65532",
        ),
    )
    # For the image's Python, which is Debian's, whatever this machine's is.
    wheels = (
        "--only-binary=:all:",
        "--implementation=cp",
        "--python-version=3.11",
        "--platform=manylinux_2_17_x86_64",
        "--platform=manylinux2014_x86_64",
    )
    install = ("{python}", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", *wheels)
    return Part(
        name="image-benchmark",
        title="image of the workload",
        seconds=30,
        commands=(
            *_rootfs(["python3", "ca-certificates", "libgcc-s1"]),
            (*install, "--target={out}/lib", "--requirement={files}/benchmark/requirements.txt"),
            *commands,
            ("rm", "-rf", "{out}/rootfs.tar", "{out}/lib"),
        ),
        sources=("benchmark/benchmark", "benchmark/requirements.txt"),
        image=image,
    )


def _pause_image() -> Part:
    settings = ('--entrypoint=["/pause"]', "--user=65535:65535")
    image, commands = _image("pause", "1", [("{node}/pause", "/pause")], settings)
    return Part("image-pause", "image of the pods' pause process", 3, commands, needs=("node",), image=image)


def _server_image() -> Part:
    image, commands = _image(
        "server",
        TEMPORAL,
        [
            ("{temporal}/server", "/usr/local/bin/temporal-server"),
            ("{temporal}/sql", "/usr/local/bin/temporal-sql-tool"),
        ],
        (
            # A static binary cannot look its user up and takes the name from USER.
            "--env=USER=temporal",
            "--env=PATH=/usr/local/bin",
            "--user=1000:1000",
            '--entrypoint=["/usr/local/bin/temporal-server"]',
            # What a chart gets that gives no command, as upstream's.
            "--cmd=start",
        ),
    )
    return Part("image-server", "image of the Temporal server", 10, commands, needs=("temporal",), image=image)


def _prometheus_image() -> Part:
    settings = ("--env=PATH=/bin", "--user=65534:65534", '--entrypoint=["/bin/prometheus"]')
    image, commands = _image("prometheus", PROMETHEUS, [("{prometheus}/prometheus", "/bin/prometheus")], settings)
    return Part("image-prometheus", "image of Prometheus", 6, commands, needs=("prometheus",), image=image)


def parts() -> tuple[Part, ...]:
    """Return all parts, each after those it needs."""
    server = "go.temporal.io/server/cmd"
    prometheus = f"github.com/prometheus/prometheus/cmd/prometheus@v{_prometheus_module(PROMETHEUS)}"
    return (
        _node(),
        _installed(
            "temporal",
            f"Temporal server {TEMPORAL}",
            200,
            [f"{server}/server@v{TEMPORAL}", f"{server}/tools/sql@v{TEMPORAL}"],
        ),
        _installed(
            "prometheus",
            f"Prometheus {PROMETHEUS}",
            170,
            [prometheus],
            # Of all its service discoveries only that of Kubernetes.
            tags="netgo,remove_all_sd,enable_kubernetes_sd",
            # What it answers when asked for its version.
            variables=f"-X github.com/prometheus/common/version.Version={PROMETHEUS}",
        ),
        _postgresql_image(),
        _benchmark_image(),
        _pause_image(),
        _server_image(),
        _prometheus_image(),
    )


def _prometheus_module(version: str) -> str:
    """Return the version of Prometheus' Go module for a release: 3.16.0 is 0.316.0."""
    major, minor, patch = (int(number) for number in version.split("."))
    return f"0.{100 * major + minor}.{patch}"
