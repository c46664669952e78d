# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the node's keys, certificates, kubeconfigs and the components' configuration."""

from __future__ import annotations

import json
from pathlib import Path

from ..files import make_private_folder
from . import config, pki
from .layout import Layout
from .record import Record


def write_configuration(layout: Layout, record: Record) -> None:
    """Write keys, certificates, kubeconfigs and the components' configuration."""
    etc = layout.etc
    for folder in (layout.state, etc, etc / "cni", layout.logs, layout.sockets):
        make_private_folder(folder)
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
