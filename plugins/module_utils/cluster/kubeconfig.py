# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading kubeconfigs: which server a context means, who asks, and whom to trust.

The ``kubernetes`` library reads them, so that all its ways to log in work.
"""

from __future__ import annotations

import logging
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from ..foreign_text import keep_secret, plain, secrets_of
from ..http.tls import tls_context

IMPORT_ERROR: ImportError | None = None
try:
    import yaml
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, kube_config
except ImportError as error:
    IMPORT_ERROR = error
else:
    # The library has no types.
    _Loader: Any = kube_config.KubeConfigLoader
    _Merger: Any = kube_config.KubeConfigMerger

Json = dict[str, Any]


class KubeconfigError(LabError):
    """The kubeconfig is missing, cannot be read or does not lead to a cluster."""


@dataclass(frozen=True)
class KubeconfigContext:
    """A context of a kubeconfig, ready to be used.

    kubeconfig: path of the file, or several. context: its name.
    configuration: what the library made of it. tls: None where the server's address begins with http.
    """

    kubeconfig: str
    context: str
    configuration: Any
    tls: ssl.SSLContext | None

    @property
    def server(self) -> str:
        """Address of the API server."""
        return str(self.configuration.host)

    @property
    def server_name(self) -> str | None:
        """The name in the server's certificate, where it is not the host's."""
        return getattr(self.configuration, "tls_server_name", None) or None

    def authorization(self) -> str | None:
        """The Authorization header, None without a token; an exec plugin runs again when its token has expired.

        Raises KubeconfigError.
        """
        value = self.configuration.auth_settings().get("BearerToken", {}).get("value")
        if not value:
            return None
        header = str(value).strip()
        keep_secret(*secrets_of(header))
        if not (header.isascii() and header.isprintable()):
            # Checked here, because the error of the HTTP library would show the token.
            raise KubeconfigError(
                f"The token of context {self.context} in the kubeconfig {self.kubeconfig} holds characters that no "
                f"token has: get a new kubeconfig for the cluster."
            )
        return header


def require_kubernetes() -> None:
    """Raises LabError when a Python package that this needs is missing."""
    if IMPORT_ERROR is not None:
        raise LabError(
            f"The Python package {IMPORT_ERROR.name or 'kubernetes'} is missing from the Python that runs this task: "
            f"install the packages kubernetes and requests into it."
        )


def read_kubeconfig(kubeconfig: str | None, context: str | None) -> KubeconfigContext:
    """The context of that name, else the current one, of a kubeconfig. Raises KubeconfigError.

    Without a path the usual places are read: KUBECONFIG, then ``~/.kube/config``.
    """
    require_kubernetes()
    given = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    paths = [os.path.expanduser(path) for path in given.split(os.pathsep) if path]
    shown = os.pathsep.join(paths)
    if not any(os.path.exists(path) for path in paths):
        raise KubeconfigError(
            f"There is no kubeconfig at {shown}: give the path of the cluster's kubeconfig in the option kubeconfig, "
            f"or bring up the embedded node."
        )
    try:
        source = _kubeconfig_source([path for path in paths if os.path.exists(path)])
        loaded: Any = source["config_dict"]
        content: Json = getattr(loaded, "value", loaded)
        names = _names(content, "contexts")
    except OSError as error:
        raise KubeconfigError(
            f"The kubeconfig {shown} cannot be read: {error.strerror}; correct its path or mode."
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise KubeconfigError(
            f"The kubeconfig {shown} is not YAML{where}: get a new kubeconfig for the cluster."
        ) from None
    except (AttributeError, KeyError, TypeError, ValueError, ConfigException):
        names = []
    if not names:
        raise KubeconfigError(f"{shown} is not a kubeconfig with a context: get a new kubeconfig for the cluster.")
    chosen = context or content.get("current-context")
    if not chosen:
        raise KubeconfigError(
            f"The kubeconfig {shown} has no current context: name one in the option context ({', '.join(names)})."
        )
    if chosen not in names:
        raise KubeconfigError(
            f"The kubeconfig {shown} has no context {chosen}: it has {', '.join(names)}; correct the option context."
        )
    # The library writes keys of the kubeconfig to files for its own use and removes them when the interpreter
    # ends in order, which a forked worker of Ansible never does: they go into a folder that is removed here.
    with tempfile.TemporaryDirectory(prefix="temporal-lab-") as folder, _captured_log() as log:
        configuration = Configuration()
        try:
            _Loader(**source, active_context=chosen, temp_file_path=folder).load_and_set(configuration)
            plugin, server = _exec_plugin(content, chosen), _server(content, chosen)
        except (ConfigException, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
            raise KubeconfigError(
                f"Context {chosen} of the kubeconfig {shown} cannot be used ({_first_line(error)}): "
                f"get a new kubeconfig for the cluster."
            ) from None
        if plugin and not configuration.api_key and not configuration.cert_file:
            raise KubeconfigError(
                f"The credential plugin {plugin} of context {chosen} gave no credentials "
                f"({log[-1] if log else 'no output'}): run it by hand, or use another kubeconfig."
            )
        if not server:
            raise KubeconfigError(f"Context {chosen} of the kubeconfig {shown} names no server: get a new kubeconfig.")
        tls = _tls(configuration, shown) if configuration.host.startswith("https") else None
    return KubeconfigContext(shown, chosen, configuration, tls)


def _kubeconfig_source(paths: list[str]) -> Json:
    """What the library takes of kubeconfigs; relative paths in one begin at its folder, as for kubectl."""
    if len(paths) == 1:
        with open(paths[0], encoding="utf-8") as file:
            text = file.read()
        # Only an auth-provider's tokens are written back. The library's own reader does without libyaml, and would be
        # a tenth of what a class costs.
        if "auth-provider" not in text:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            return {
                "config_dict": yaml.load(text, Loader=loader) or {},
                "config_base_path": os.path.dirname(os.path.abspath(paths[0])),
            }
    merger = _Merger(os.pathsep.join(paths))
    return {"config_dict": merger.config or {}, "config_base_path": None, "config_persister": merger.save_changes}


def _tls(configuration: Any, shown: str) -> ssl.SSLContext:
    try:
        return tls_context(
            configuration.ssl_ca_cert,
            configuration.cert_file,
            configuration.key_file,
            verify=bool(configuration.verify_ssl),
        )
    except OSError as error:
        raise KubeconfigError(
            f"A certificate or key of the kubeconfig {shown} cannot be used ({_first_line(error)}): "
            "get a new kubeconfig."
        ) from None


class _Collector(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(plain(record.getMessage()))


@contextmanager
def _captured_log() -> Iterator[list[str]]:
    """Collect what is logged: the library logs why an exec plugin failed, and raises nothing."""
    handler = _Collector(logging.ERROR)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.messages
    finally:
        root.removeHandler(handler)


def _names(content: Any, section: str) -> list[str]:
    # The merger of the library wraps each entry.
    entries = [getattr(entry, "value", entry) for entry in content.get(section) or []]
    return [str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry]


def _entry(content: Json, section: str, name: object, key: str) -> Json:
    for wrapped in content.get(section) or []:
        entry = getattr(wrapped, "value", wrapped)
        if entry.get("name") == name:
            found: Json = entry.get(key) or {}
            return found
    return {}


def _exec_plugin(content: Json, context: str) -> str:
    user = _entry(content, "contexts", context, "context").get("user")
    return str((_entry(content, "users", user, "user").get("exec") or {}).get("command") or "")


def _server(content: Json, context: str) -> str:
    cluster = _entry(content, "contexts", context, "context").get("cluster")
    return str(_entry(content, "clusters", cluster, "cluster").get("server") or "")


def _first_line(error: BaseException) -> str:
    return plain(str(error)) or type(error).__name__
