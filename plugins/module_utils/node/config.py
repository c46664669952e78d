# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration files of the node's components, as text.

Pure: what the node is comes in, file contents come out. configuration_files.py writes them.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .layout import Layout

NODE_NAME = "lab"
PAUSE_IMAGE = "localhost/temporal-lab/pause:1"
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
API_PORT = 6443


@dataclass(frozen=True)
class Program:
    """A process that the supervisor keeps running.

    name: of the supervised program and of its log.
    command: argument vector.
    """

    name: str
    command: Sequence[str]


def containerd(layout: Layout) -> str:
    """Return containerd's configuration (version 2, TOML)."""
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc may not lower it and dies.
    return f"""\
version = 2
root = "{layout.state}/containerd"
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "{layout.containerd_socket}"

[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "{PAUSE_IMAGE}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{layout.etc}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""


def cni() -> str:
    """Return the pod network: a pair of interfaces a pod, routed in the node's network namespace.

    Routed, not bridged: traffic between two pods by way of a Service must pass
    the address translation both ways, which a bridge only does with a kernel
    module that not every machine has loaded.
    """
    point_to_point = {
        "type": "ptp",
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            # Under /run, which is the node's own and empty at each start: no address stays taken.
            "dataDir": "/run/cni/networks",
            "ranges": [[{"subnet": POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "lab", "plugins": [point_to_point, portmap]}, indent=2)


def kubelet(layout: Layout, address: str) -> str:
    """Return the kubelet's configuration (JSON is YAML)."""
    never = "0%"
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{layout.etc}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{layout.etc}/kubelet.crt",
        "tlsPrivateKeyFile": f"{layout.etc}/kubelet.key",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [address],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{layout.etc}/resolv.conf",
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "podLogsDir": f"{layout.state}/pod-logs",
        # The images cannot be pulled again, so none is ever collected, and the
        # node takes pods until the disk is really full.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": never,
            "nodefs.inodesFree": never,
            "imagefs.available": never,
            "imagefs.inodesFree": never,
        },
        "maxPods": 250,
        # PostgreSQL has a process for each connection; a fork bomb has more.
        "podPidsLimit": 4096,
        # Which images there are is asked of the node's status, so that is to follow soon.
        "nodeStatusUpdateFrequency": "2s",
        "serializeImagePulls": False,
        "shutdownGracePeriod": "0s",
    }
    return json.dumps(configuration, indent=2)


def corefile(layout: Layout, address: str) -> str:
    """Return the DNS server's configuration."""
    return f"""\
.:53 {{
    bind {address}
    errors
    ready {address}:8181
    cache 5
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {layout.etc}/coredns.kubeconfig
        pods insecure
    }}
}}
"""


def programs(layout: Layout, binaries: Path, address: str) -> tuple[Program, ...]:
    """Return the node's processes in the order in which they are started.

    binaries: the folder with a link of each component's name.
    """
    etc = layout.etc
    kubernetes = f"https://{address}:{API_PORT}"
    return (
        Program("containerd", ["containerd", "--config", f"{etc}/containerd.toml"]),
        Program(
            "etcd",
            [
                f"{binaries}/etcd",
                "--name=lab",
                f"--data-dir={layout.state}/etcd",
                "--listen-client-urls=http://127.0.0.1:2379",
                "--advertise-client-urls=http://127.0.0.1:2379",
                "--listen-peer-urls=http://127.0.0.1:2380",
                "--log-level=warn",
                # A throw-away node: speed matters more than what a power cut takes.
                "--unsafe-no-fsync",
            ],
        ),
        Program(
            "kube-apiserver",
            [
                f"{binaries}/kube-apiserver",
                "--etcd-servers=http://127.0.0.1:2379",
                f"--advertise-address={address}",
                "--bind-address=0.0.0.0",
                f"--secure-port={API_PORT}",
                "--authorization-mode=Node,RBAC",
                # With externalIPs a Service takes over any address, also that of the API server, for the whole node.
                "--enable-admission-plugins=DenyServiceExternalIPs",
                "--allow-privileged=true",
                "--profiling=false",
                f"--client-ca-file={etc}/ca.crt",
                f"--tls-cert-file={etc}/apiserver.crt",
                f"--tls-private-key-file={etc}/apiserver.key",
                f"--kubelet-certificate-authority={etc}/ca.crt",
                f"--kubelet-client-certificate={etc}/admin.crt",
                f"--kubelet-client-key={etc}/admin.key",
                # The node's name resolves nowhere.
                "--kubelet-preferred-address-types=InternalIP",
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--service-account-key-file={etc}/service-account.crt",
                f"--service-account-signing-key-file={etc}/service-account.key",
                f"--service-cluster-ip-range={SERVICE_RANGE}",
            ],
        ),
        Program(
            "kube-controller-manager",
            [
                f"{binaries}/kube-controller-manager",
                f"--kubeconfig={etc}/controller-manager.kubeconfig",
                f"--root-ca-file={etc}/ca.crt",
                f"--service-account-private-key-file={etc}/service-account.key",
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                f"--cluster-cidr={POD_RANGE}",
                "--bind-address=127.0.0.1",
                "--profiling=false",
            ],
        ),
        Program(
            "kube-scheduler",
            [
                f"{binaries}/kube-scheduler",
                f"--kubeconfig={etc}/scheduler.kubeconfig",
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
                "--profiling=false",
            ],
        ),
        Program(
            "kubelet",
            [
                f"{binaries}/kubelet",
                f"--config={etc}/kubelet.json",
                f"--kubeconfig={etc}/kubelet.kubeconfig",
                f"--hostname-override={NODE_NAME}",
                f"--node-ip={address}",
                f"--root-dir={layout.state}/kubelet",
            ],
        ),
        Program(
            "kube-proxy",
            [
                f"{binaries}/kube-proxy",
                f"--kubeconfig={etc}/proxy.kubeconfig",
                f"--master={kubernetes}",
                f"--hostname-override={NODE_NAME}",
                "--proxy-mode=iptables",
                # Else the kernel routes packets of pods to 127.0.0.1, where etcd listens, and only a rule drops them.
                "--iptables-localhost-nodeports=false",
                f"--cluster-cidr={POD_RANGE}",
                "--conntrack-max-per-core=0",
                "--bind-address=127.0.0.1",
            ],
        ),
        Program("coredns", [f"{binaries}/coredns", "-conf", f"{etc}/Corefile"]),
    )


def digest(layout: Layout, binaries: Path) -> str:
    """Return what stands for all that the components are told, whatever address the node gets."""
    address = "0.0.0.0"
    programs_ = programs(layout, binaries, address)
    texts = (containerd(layout), cni(), kubelet(layout, address), corefile(layout, address))
    return hashlib.sha256("\0".join([*texts, supervisor(layout, programs_)]).encode()).hexdigest()[:16]


def supervisor(layout: Layout, programs_: Sequence[Program]) -> str:
    """Return supervisord's configuration.

    Nothing starts by itself: the start is in order and waits (lifecycle.py). A
    program that dies is started again; a crash loop ends after twenty tries.
    """

    def quoted(text: str) -> str:
        # supervisord expands %(name)s in every value.
        return text.replace("%", "%%")

    parts = [
        f"""\
[supervisord]
nodaemon = true
logfile = {layout.logs}/supervisord.log
logfile_maxbytes = 1MB
logfile_backups = 1
pidfile = {layout.sockets}/supervisord.pid

[unix_http_server]
file = {layout.supervisor_socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    for program in programs_:
        parts.append(f"""\
[program:{program.name}]
command = {quoted(shlex.join(program.command))}
autostart = false
autorestart = true
startsecs = 1
startretries = 20
stopwaitsecs = 10
redirect_stderr = true
stdout_logfile = {layout.logs}/{program.name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 1
""")
    return "\n".join(parts)
