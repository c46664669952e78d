# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of a stage, decided once: a checked kubeconfig with one context, given to all clients of the stage.

What lies in Ansible's own temporary folder goes when ansible-playbook ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..foreign_text import plain
from .exec_plugin import ExecPlugin, limited, program_of
from .kubeconfig import with_provider_token
from .kubeconfig_access import SOURCE, Access, read_access

Json = dict[str, Any]

#: Variables of the environment by which kubernetes.core and helm choose a cluster, beside a kubeconfig.
CHOOSING = ("K8S_AUTH_", "HELM_KUBE", "HELM_NAMESPACE", "HELM_DRIVER", "KUBERNETES_SERVICE_")
#: Of kubernetes.core's, one that must be a truth value; the kubeconfig alone says what is not verified.
VERIFY = "K8S_AUTH_VERIFY_SSL"
#: Variables that kubernetes.core's tasks for helm do not take together, even empty.
EXCLUDING = ("K8S_AUTH_CONTEXT", (VERIFY, "K8S_AUTH_SSL_CA_CERT"))


def settle(
    params: Mapping[str, Any],
    folder: Path,
    show: Callable[[str], None],
    environ: Mapping[str, str] | None = None,
) -> Json:
    """Read the kubeconfig of a task's options and write what its context gives access to into a private file.

    environ: the environment of programs; None is that of this process.
    Returns kubeconfig (the file), context, server, source (what it was made of), digest (of the file) and environment
    (what the variables of the environment must be for programs that take the file). A program that logs in runs once,
    with its words shown. Raises KubeconfigError and LabError.
    """
    access = read_access(params["kubeconfig"], params["context"], bool(params["kubeconfig_exec"]))
    user = access.user
    if "auth-provider" in user:
        access = with_provider_token(access)
    if "exec" in user:
        who = f"The login program {program_of(user['exec'])} of context {plain(access.context)}"
        ExecPlugin(user["exec"], {key: value for key, value in access.cluster.items() if key != "extensions"}, who).run(
            show
        )
    content = json.dumps(checked_kubeconfig(access)).encode()
    path = folder / f"temporal-lab-{secrets.token_hex(8)}.kubeconfig"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        raise LabError(
            f"The kubeconfig of the stage cannot be written into {folder} ({error.strerror}): correct Ansible's "
            f"setting local_tmp."
        ) from None
    return {
        "kubeconfig": str(path),
        "context": access.context,
        "server": access.server,
        "source": access.shown,
        "digest": hashlib.sha256(content).hexdigest(),
        "environment": chosen_environment(str(path), os.environ if environ is None else environ),
    }


def checked_kubeconfig(access: Access) -> Json:
    """A kubeconfig with one context, which needs no other file."""
    cluster, user, name = dict(access.cluster), dict(access.user), access.context
    if str(cluster.get("proxy-url")).startswith("socks5h://"):
        # kubectl and helm call it so, and let the proxy look up names too.
        cluster["proxy-url"] = f"socks5{cluster['proxy-url'][7:]}"
    if "exec" in user:
        user["exec"] = limited(user["exec"])
    source = [{"name": SOURCE, "extension": access.shown}]
    chosen = {"cluster": name, "user": name, "namespace": access.namespace or "default", "extensions": source}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": chosen}],
    }


def chosen_environment(kubeconfig: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What a program's environment must say so that it sees this kubeconfig and no other cluster.

    Only of variables that are set: Ansible cannot take one away, and an empty one is as good for these programs.
    Raises LabError.
    """
    one, others = EXCLUDING
    both = [name for name in others if one in environ and name in environ]
    if both:
        raise LabError(
            f"The environment has both {one} and {both[0]}, which kubernetes.core does not take together: unset them; "
            f"the lab takes the cluster from lab_kubeconfig and lab_context alone."
        )
    neutral = {name: "true" if name == VERIFY else "" for name in environ if name.startswith(CHOOSING)}
    return {"KUBECONFIG": kubeconfig, **neutral}


def check_settled(cluster: Mapping[str, Any]) -> None:
    """Raise LabError when the file that a stage's clients were given is not what it was at the stage's beginning."""
    try:
        content = Path(cluster["kubeconfig"]).read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != cluster["digest"]:
        raise LabError(
            f"The kubeconfig {cluster['kubeconfig']}, by which this stage acted on {cluster['server']}, was changed or "
            f"removed while the stage ran: it is unknown which cluster was changed; let nothing write to Ansible's "
            f"local_tmp, and run the stage again."
        )
