# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the embedded node up and down.

The node lives in a network, a mount and a process namespace of its own. Its
first process is supervisord; when that ends, for whatever reason, the kernel
ends every process of the node and takes its mounts away. What then is left are
three kinds of remains: the named network namespace with its link to the host,
the cgroups, and files in the state folder. ``heal`` removes the first two.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

try:
    from supervisor.xmlrpc import SupervisorTransport
except ImportError:  # reported by require_root_and_tools
    SupervisorTransport = None

from ..errors import LabError
from . import config, pki, system
from .layout import Layout, free_network

Show = Callable[[str], None]

#: Commands the node's own start needs; Debian's packages have them.
COMMANDS = ("ip", "nsenter", "unshare", "mount", "containerd", "ctr", "runc", "iptables", "conntrack")

#: The pod network's program, of Debian's containernetworking-plugins.
CNI_PLUGIN = Path("/usr/lib/cni/ptp")

#: Folders that are the node's own inside its mount namespace.
HIDDEN = (Path("/run"), Path("/var/log"), Path("/var/lib"))

#: How long a component may take until it answers, in seconds.
START_TIMEOUT = 60.0


@dataclass(frozen=True)
class Record:
    """What a node was started with; a node with another record is started anew.

    network: the /30 between host and node, as text.
    binaries: folder of the built components.
    images: image name to the key of its build.
    """

    network: str
    binaries: str
    images: Mapping[str, str]

    def _hosts(self) -> list[ipaddress.IPv4Address]:
        return list(ipaddress.ip_network(self.network).hosts())

    @property
    def host_address(self) -> str:
        return str(self._hosts()[0])

    @property
    def address(self) -> str:
        """The node's address in its network namespace."""
        return str(self._hosts()[1])


@contextlib.contextmanager
def locked(layout: Layout, show: Show) -> Iterator[None]:
    """Let only one process at a time change a node."""
    layout.lock.parent.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            show(f"waiting: another process is changing the node {layout.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def require_root() -> None:
    """Raise LabError for a user who may not make or remove namespaces and mounts."""
    if os.geteuid() != 0:
        raise LabError(
            "the embedded node makes network namespaces and containers and needs root: run this as root "
            "(sudo -E make node-up), or use a cluster you have with make lab KUBECONFIG=/path/of/kubeconfig"
        )


def require_root_and_tools(layout: Layout) -> None:
    """Check what must hold before anything is changed.

    Raises:
        LabError: not root, a command or package is missing, or the state folder is in a wrong place.
    """
    require_root()
    missing = [name for name in COMMANDS if not shutil.which(name)]
    missing += [str(CNI_PLUGIN)] if not CNI_PLUGIN.exists() else []
    if missing:
        raise LabError(
            f"the embedded node needs {', '.join(missing)}, which this machine does not have: run make setup"
        )
    if SupervisorTransport is None:
        raise LabError("the embedded node's processes are kept by the Python package supervisor: run make setup")
    for folder in HIDDEN:
        if folder in layout.state.parents:
            raise LabError(
                f"the embedded node cannot keep its state in {layout.state}, because {folder} is replaced inside "
                "the node: set XDG_STATE_HOME to a folder elsewhere"
            )


def read_record(layout: Layout) -> Record | None:
    """Return what the node was last started with, or None."""
    try:
        return Record(**json.loads(layout.record.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def supervisor_rpc(layout: Layout) -> xmlrpc.client.ServerProxy:
    """Return the supervisor's remote interface, over its socket."""
    transport = SupervisorTransport(None, None, f"unix://{layout.supervisor_socket}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


def programs_state(layout: Layout) -> dict[str, str]:
    """Return each program's state as the supervisor names it; empty when no supervisor answers."""
    if not layout.supervisor_socket.exists():
        return {}
    try:
        return {info["name"]: info["statename"] for info in supervisor_rpc(layout).supervisor.getAllProcessInfo()}
    except (OSError, xmlrpc.client.Error):
        return {}


def kubectl(layout: Layout, *arguments: str, timeout: float = 60.0) -> str:
    """Run kubectl against the node and return what it printed."""
    beside = Path(sys.executable).parent / "kubectl"
    program = str(beside) if beside.exists() else "kubectl"
    return system.command([program, f"--kubeconfig={layout.kubeconfig}", *arguments], timeout=timeout)


def ready_since(node: Mapping, started: float) -> bool:
    """Say whether a Node object reports Ready, and has done so after ``started`` (Unix seconds).

    A node that was stopped still is called Ready by its object for a while.
    """
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            heartbeat = datetime.datetime.fromisoformat(condition["lastHeartbeatTime"].replace("Z", "+00:00"))
            # Heartbeats have whole seconds.
            return heartbeat.timestamp() >= int(started)
    return False


def image_names(node: Mapping) -> set[str]:
    """Return the names of the images on a Node; one whose name a newer image has taken over has none left."""
    return {name for image in node["status"].get("images") or () for name in image.get("names") or ()}


def node_ready(layout: Layout, images: Iterable[str] = (), started: float = 0.0) -> bool:
    """Say whether the API server answers, and the node has been Ready after ``started`` and names these images."""
    try:
        node = json.loads(kubectl(layout, "get", "node", config.NODE_NAME, "--request-timeout=3s", "--output=json"))
    except LabError:
        return False
    return ready_since(node, started) and set(images) <= image_names(node)


def remains(layout: Layout) -> list[str]:
    """Name what there is of a node on this machine, in a user's words; empty when there is nothing."""
    found = []
    processes = system.marked(layout.name) | system.in_cgroups(layout.name)
    if processes:
        found.append(f"{len(processes)} processes")
    if layout.netns.exists():
        found.append(f"network namespace {layout.name}")
    if any(link["ifname"] == layout.link for link in system.links()):
        found.append(f"link {layout.link}")
    if mounts := system.mounts_below(layout.state):
        found.append(f"{len(mounts)} mounts")
    if folders := system.cgroup_folders(layout.name):
        found.append(f"{len(folders)} cgroups")
    return found


def heal(layout: Layout) -> None:
    """Remove all there is of a node on this machine but its state folder.

    Its processes are killed, not asked: what they keep on disk (etcd's log,
    containerd's database) is made to survive that, as PostgreSQL's is, and an
    orderly stop of eight components takes fifteen seconds.
    """
    system.kill(system.marked(layout.name) | system.in_cgroups(layout.name))
    for point in system.mounts_below(layout.state):
        system.command(["umount", "--lazy", point])
    if any(link["ifname"] == layout.link for link in system.links()):
        system.command(["ip", "link", "delete", layout.link])
    if layout.netns.exists():
        # A mount when it is whole, a plain file when `ip netns add` was cut off.
        with contextlib.suppress(LabError):
            system.command(["ip", "netns", "delete", layout.name])
        layout.netns.unlink(missing_ok=True)
    # `ip netns add` mounts the folder of all namespaces; the last one out takes that away again.
    if str(layout.netns.parent) in system.mounts_below(layout.netns.parent) and not any(layout.netns.parent.iterdir()):
        system.command(["umount", str(layout.netns.parent)])
    system.remove_cgroups(layout.name)
    shutil.rmtree(layout.sockets, ignore_errors=True)


def down(layout: Layout, purge: bool, link: Path, check_mode: bool, show: Show) -> bool:
    """Stop the node and remove all its traces; with ``purge`` its state folder too.

    Returns:
        whether there was anything to do.
    """
    require_root()
    with locked(layout, show):
        found = remains(layout)
        if purge and layout.state.exists():
            found.append(f"the state in {layout.state}")
        if not found:
            show(f"there is nothing to do: the node {layout.name} is not up")
        if not found or check_mode:
            return bool(found)
        show(f"removing {', '.join(found)}")
        heal(layout)
        if purge:
            shutil.rmtree(layout.state, ignore_errors=True)
            if link.is_symlink():
                link.unlink()
        if left := remains(layout):
            raise LabError(
                f"the embedded node {layout.name} is not all gone, there still are {', '.join(left)}: "
                "run make node-down again"
            )
    return True


def parse_network(text: str) -> ipaddress.IPv4Network:
    """Return a network that has room for the node and the host. Raises LabError."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise LabError(
            f"node_network is {text!r}, which is no network ({error}): give one such as 10.99.4.0/30"
        ) from None
    if network.prefixlen > 30:
        raise LabError(f"node_network is {text}, which has no room for two addresses: give one such as 10.99.4.0/30")
    return network


def _choose_network(layout: Layout, wanted: str | None, last: str | None) -> str:
    """Return the network between host and node: the one wanted, else the last one used, else a free one."""
    taken = [ipaddress.ip_network(route["dst"], strict=False) for route in system.routes() if route["dst"] != "default"]
    for network in filter(None, (wanted, last)):
        chosen = parse_network(network)
        clash = [other for other in taken if chosen.overlaps(other)]
        if not clash:
            return network
        if network == wanted:
            raise LabError(
                f"the network {wanted} given with node_network is taken: this machine has a route to {clash[0]}"
            )
    return str(free_network(taken, int(layout.id, 16)))


def write_configuration(layout: Layout, record: Record) -> None:
    """Write keys, certificates, kubeconfigs and the components' configuration."""
    etc = layout.etc
    for folder in (layout.state, etc, etc / "cni", layout.logs, layout.sockets):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca = pki.read_pair(etc, "ca") or pki.authority()
    pki.write_pair(etc, "ca", ca)
    pki.write_pair(etc, "service-account", pki.read_pair(etc, "service-account") or pki.signing_key())
    server = f"https://{record.address}:{config.API_PORT}"
    for identity in pki.identities(config.NODE_NAME, record.address, config.SERVICE_ADDRESS):
        pair = pki.issue(ca, identity)
        pki.write_pair(etc, identity.name, pair)
        kubeconfig = json.dumps(pki.kubeconfig(server, layout.name, ca.certificate, pair), indent=2)
        pki.write_private(etc / f"{identity.name}.kubeconfig", kubeconfig)
        if identity.name == "admin":
            pki.write_private(layout.kubeconfig, kubeconfig)
    pki.write_private(etc / "containerd.toml", config.containerd(layout))
    pki.write_private(etc / "cni" / "10-lab.conflist", config.cni())
    pki.write_private(etc / "kubelet.json", config.kubelet(layout, record.address))
    pki.write_private(etc / "Corefile", config.corefile(layout, record.address))
    pki.write_private(etc / "resolv.conf", f"nameserver {record.address}\n")
    programs = config.programs(layout, Path(record.binaries), record.address)
    pki.write_private(etc / "supervisord.conf", config.supervisor(layout, programs))


def _make_network(layout: Layout, record: Record) -> None:
    """Make the network namespace and its link to the host."""
    prefix = ipaddress.ip_network(record.network).prefixlen
    inside = ["ip", "-netns", layout.name]
    for arguments in (
        ["ip", "netns", "add", layout.name],
        ["ip", "link", "add", layout.link, "type", "veth", "peer", "name", "eth0", "netns", layout.name],
        ["ip", "address", "add", f"{record.host_address}/{prefix}", "dev", layout.link],
        ["ip", "link", "set", layout.link, "up"],
        [*inside, "address", "add", f"{record.address}/{prefix}", "dev", "eth0"],
        [*inside, "link", "set", "lo", "up"],
        [*inside, "link", "set", "eth0", "up"],
    ):
        system.command(arguments)


def entry_script(layout: Layout, python: str) -> str:
    """Return the shell script that becomes the node's first process.

    It replaces /run, /var/log and /var/lib by the node's own, so that nothing
    the components write to fixed paths is seen by the machine or by another node.
    """
    own = layout.state / "var-lib"
    return f"""\
set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/log
mount -t overlay -o 'lowerdir=/var/lib,upperdir={own}/upper,workdir={own}/work' overlay /var/lib
echo 1 > /proc/sys/net/ipv4/ip_forward
exec '{python}' -m supervisor.supervisord --nodaemon --configuration '{layout.etc}/supervisord.conf'
"""


def _start_supervisor(layout: Layout) -> None:
    """Start the node's first process in its namespaces and wait until it answers."""
    own = layout.state / "var-lib"
    shutil.rmtree(own, ignore_errors=True)
    for folder in (own / "upper", own / "work"):
        folder.mkdir(parents=True)
    arguments = [
        "nsenter", f"--net={layout.netns}",
        "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc",
        "/bin/sh", "-c", entry_script(layout, sys.executable),
    ]  # fmt: skip
    log = layout.logs / "start.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            cwd="/", env={**os.environ, system.MARK: layout.name},
        )  # fmt: skip
    deadline = time.monotonic() + 15
    while not programs_state(layout):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip().splitlines()
            raise LabError(
                f"the embedded node's supervisor does not start: {said[-1] if said else 'no message'} (log: {log})"
            )
        time.sleep(0.05)


def _wait(what: str, layout: Layout, ready: Callable[[], bool], timeout: float = START_TIMEOUT) -> None:
    """Wait until something holds, and fail early when a program has given up.

    Raises:
        LabError: it does not hold in time, or a program cannot be started.
    """
    deadline = time.monotonic() + timeout
    while not ready():
        for name, state in programs_state(layout).items():
            if state == "FATAL":
                raise LabError(f"{name} of the embedded node cannot be started: see {layout.logs / name}.log")
        if time.monotonic() > deadline:
            raise LabError(f"{what} of the embedded node is not ready within {timeout:.0f} seconds: see {layout.logs}")
        time.sleep(0.1)


def _api_ready(layout: Layout) -> bool:
    try:
        return kubectl(layout, "get", "--raw=/readyz", "--request-timeout=2s").strip() == "ok"
    except LabError:
        return False


def _start_programs(layout: Layout, record: Record, images: Mapping[str, Path], show: Show) -> None:
    """Start the programs in their order, and load the images before the kubelet looks for any."""
    rpc = supervisor_rpc(layout).supervisor
    for program in config.programs(layout, Path(record.binaries), record.address):
        if program.name == "kubelet":
            _import_images(layout, images, show)
        rpc.startProcess(program.name, False)
        if program.name == "kube-apiserver":
            _wait("the API server", layout, lambda: _api_ready(layout))


def _import_images(layout: Layout, images: Mapping[str, Path], show: Show) -> None:
    """Import the images that containerd does not have yet."""
    ctr = ["ctr", f"--address={layout.containerd_socket}", "--namespace=k8s.io", "images"]

    def answers() -> bool:
        try:
            system.command([*ctr, "list", "--quiet"], timeout=5)
        except LabError:
            return False
        return True

    _wait("containerd", layout, answers)
    present = set(system.command([*ctr, "check", "--quiet"]).split())
    stamps = layout.state / "images.json"
    try:
        imported = json.loads(stamps.read_text())
    except (FileNotFoundError, ValueError):
        imported = {}
    for name, archive in images.items():
        key = archive.parent.name
        if name in present and imported.get(name) == key:
            continue
        show(f"importing the image {name}")
        # Forgotten first: an import that is cut off is done again at the next start.
        imported.pop(name, None)
        pki.write_private(stamps, json.dumps(imported))
        system.command([*ctr, "import", str(archive)], timeout=120)
        imported[name] = key
        pki.write_private(stamps, json.dumps(imported))


def _make_link(link: Path, layout: Layout) -> None:
    """Make ``link`` point to the node's state folder."""
    if link.exists() and not link.is_symlink():
        raise LabError(f"the embedded node puts a link at {link}, where there is something else: move that away")
    link.unlink(missing_ok=True)
    link.symlink_to(layout.state)


def up(
    layout: Layout,
    binaries: Path,
    images: Mapping[str, Path],
    manifests: Path,
    network: str | None,
    link: Path,
    check_mode: bool,
    show: Show,
) -> bool:
    """Bring the node up, or leave it alone when it runs as wanted.

    binaries: folder with the components' links.
    images: image name to its archive; the archive's folder is named after its build.
    manifests: folder of what is applied to the cluster once it answers.
    link: made to point to the node's state, so that an inventory can name its kubeconfig.

    Returns:
        whether anything was changed.

    Raises:
        LabError: it cannot be brought up; says why and where the logs are.
    """
    require_root_and_tools(layout)
    with locked(layout, show):
        keys = {name: archive.parent.name for name, archive in images.items()}
        last = read_record(layout)
        linked = link.is_symlink() and link.readlink() == layout.state
        states = programs_state(layout)
        runs = bool(states) and all(state == "RUNNING" for state in states.values()) and node_ready(layout)
        wanted = Record(network or (last.network if last else ""), str(binaries), keys)
        if runs and last == wanted and linked:
            return False
        if check_mode:
            return True
        _make_link(link, layout)
        if runs and last == wanted:
            return True
        found = remains(layout)
        if found:
            why = "it runs with other builds" if runs else "it does not run as it should"
            show(f"starting anew, because {why}: first removing {', '.join(found)}")
            heal(layout)
        record = Record(_choose_network(layout, network, last.network if last else None), str(binaries), keys)
        layout.record.unlink(missing_ok=True)
        write_configuration(layout, record)
        show(f"starting the node {layout.name} at {record.address}")
        _make_network(layout, record)
        system.make_cgroups(layout.name)
        started = time.time()
        _start_supervisor(layout)
        _start_programs(layout, record, images, show)
        kubectl(layout, "apply", f"--filename={manifests}")
        _wait("the node", layout, lambda: node_ready(layout, images, started))
        pki.write_private(layout.record, json.dumps(asdict(record), indent=2))
    return True


def status(layout: Layout) -> dict:
    """Return what there is of the node: its programs' states, its remains, whether it is ready."""
    states = programs_state(layout)
    record = read_record(layout)
    return {
        "name": layout.name,
        "ready": bool(states) and node_ready(layout),
        "programs": states,
        "remains": remains(layout),
        "address": record.address if record else None,
        "kubeconfig": str(layout.kubeconfig) if layout.kubeconfig.exists() else None,
    }
