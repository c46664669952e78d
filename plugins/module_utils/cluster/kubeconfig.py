# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server a context of a kubeconfig means, who asks, and whom to trust: ready for requests."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..foreign_text import clip, keep_secret, plain, secrets_of, secrets_of_url
from ..http.tls import reason, tls_context
from .exec_plugin import Credential, ExecPlugin, program_of
from .kubeconfig_access import Access, read_access
from .kubeconfig_error import KubeconfigError

Json = dict[str, Any]

#: Seconds before its end at which a token is renewed.
EARLY = 300.0
#: Seconds that the login of an auth-provider may take.
LONGEST_LOGIN = 60.0


@dataclass
class Login:
    """Who asks: an Authorization header that stays, or what a program gave last."""

    who: str
    header: str | None = None
    plugin: ExecPlugin | None = None
    credential: Credential = field(default_factory=Credential, repr=False)
    clock: Callable[[], float] = time.time

    def authorization(self) -> str | None:
        """The Authorization header, None without one; the program runs again shortly before its token ends.

        Raises KubeconfigError.
        """
        if self.plugin is None:
            keep_secret(*secrets_of(self.header))
            return self.header
        ends = self.credential.expires
        if ends is not None and ends - EARLY <= self.clock():
            self.credential = self.plugin.run()
        token = self.credential.token.strip()
        keep_secret(token)
        if not (token.isascii() and token.isprintable()):
            # Checked here, because the error of the HTTP library would show the token.
            raise KubeconfigError(f"The token that {self.who} gave holds characters that no token has: run it by hand.")
        return f"Bearer {token}" if token else None


@dataclass(frozen=True)
class KubeconfigContext:
    """A context of a kubeconfig, ready to be used.

    kubeconfig: path of the file, or several. context: its name. server: address of the API server.
    server_name: the name in the server's certificate, where it is not the host's.
    tls: None where the server's address begins with http. proxy: the kubeconfig's, None for the environment's.
    """

    kubeconfig: str
    context: str
    access: Access = field(repr=False)
    tls: ssl.SSLContext | None
    login: Login = field(repr=False)

    @property
    def server(self) -> str:
        return self.access.server

    @property
    def server_name(self) -> str | None:
        return self.access.cluster.get("tls-server-name")

    @property
    def proxy(self) -> str | None:
        url = self.access.cluster.get("proxy-url")
        # kubectl lets a SOCKS proxy look up names, which other programs call socks5h.
        return f"socks5h{url[6:]}" if url and url.startswith("socks5://") else url

    def authorization(self) -> str | None:
        """The Authorization header, None without one. Raises KubeconfigError."""
        return self.login.authorization()


def read_kubeconfig(
    kubeconfig: str | None,
    context: str | None,
    trusted: bool = False,
    show: Callable[[str], None] | None = None,
) -> KubeconfigContext:
    """The context of that name, else the current one, of a kubeconfig. Raises KubeconfigError.

    Without a path the usual places are read: KUBECONFIG, then ``~/.kube/config``.
    trusted: whether it may run programs to log in, and read files anywhere. show: shows what such a program says.
    """
    return open_access(read_access(kubeconfig, context, trusted), show)


def open_access(access: Access, show: Callable[[str], None] | None = None) -> KubeconfigContext:
    """Make an access ready for requests: log in where a program does that, and read certificates.

    Raises KubeconfigError.
    """
    user = access.user
    # First, as the next steps may repeat what a program or a library said.
    keep_secret(user.get("token"), user.get("password"))
    keep_secret(*secrets_of_url(str(access.cluster.get("proxy-url") or "")))
    if "auth-provider" in user:
        access = with_provider_token(access)
    login = _login(access, show)
    return KubeconfigContext(access.shown, access.context, access, _tls(access, login), login)


def with_provider_token(access: Access) -> Access:
    """An access with the token that its auth-provider gives, in place of the provider. Raises KubeconfigError."""
    who = f"The auth-provider {plain(access.user['auth-provider'].get('name'))} of context {plain(access.context)}"
    found: list[str] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            found.append(_provider_header(access))
        except Exception as error:  # noqa: BLE001 (whatever the library raises is why there is no token)
            failed.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(LONGEST_LOGIN)
    if asking.is_alive():
        raise KubeconfigError(f"{who} did not log in within {LONGEST_LOGIN:.0f} s: log in by hand, or use another one.")
    if failed or not found[0]:
        why = f"{type(failed[0]).__name__}: {plain(str(failed[0]))}" if failed else "no token"
        raise KubeconfigError(
            f"{who} gave no credentials ({clip(why)}): log in by hand, or use a kubeconfig with a token or with exec, "
            f"as kubectl knows no auth-provider but oidc any more."
        )
    user = {key: value for key, value in access.user.items() if key != "auth-provider"}
    return replace(access, user={**user, "token": found[0].removeprefix("Bearer ").strip()})


def _provider_header(access: Access) -> str:
    """The Authorization header of an auth-provider, whose renewed tokens the library writes back."""
    from kubernetes.client import Configuration
    from kubernetes.config import kube_config

    library: Any = kube_config  # it has no types
    merger = library.KubeConfigMerger(os.pathsep.join(access.paths))
    configuration = Configuration()
    with _private_folder() as folder:
        loader = library.KubeConfigLoader(
            config_dict=merger.config,
            config_base_path=None,
            active_context=access.context,
            config_persister=merger.save_changes,
            temp_file_path=folder,
        )
        loader.load_and_set(configuration)
    settings: Any = configuration.auth_settings()
    return str(settings.get("BearerToken", {}).get("value") or "")


def _login(access: Access, show: Callable[[str], None] | None) -> Login:
    user = access.user
    who = f"context {plain(access.context)} of the kubeconfig {access.shown}"
    if "token" in user:
        return Login(who, f"Bearer {user['token']}")
    if "exec" in user:
        who = f"The login program {program_of(user['exec'])} of context {plain(access.context)}"
        told = {key: value for key, value in access.cluster.items() if key != "extensions"}
        plugin = ExecPlugin(user["exec"], told, who)
        return Login(who, None, plugin, plugin.run(show))
    if "username" in user:
        pair = f"{user['username']}:{user['password']}".encode()
        return Login(who, f"Basic {base64.b64encode(pair).decode()}")
    return Login(who)


def _tls(access: Access, login: Login) -> ssl.SSLContext | None:
    if not access.server.startswith("https"):
        return None
    cluster, user = access.cluster, access.user
    authorities = cluster.get("certificate-authority-data")
    certificate, key = login.credential.certificate, login.credential.key
    if not certificate and "client-certificate-data" in user:
        certificate = base64.b64decode(user["client-certificate-data"]).decode()
        key = base64.b64decode(user["client-key-data"]).decode()
    try:
        context = tls_context(
            verify=not cluster.get("insecure-skip-tls-verify"),
            data=base64.b64decode(authorities).decode() if authorities else None,
        )
        if certificate:
            # OpenSSL takes them from a file only.
            with _private_folder() as folder:
                path = os.path.join(folder, "client.pem")
                with open(path, "w", encoding="ascii") as file:
                    file.write(f"{certificate}\n{key}")
                context.load_cert_chain(path, password=lambda: "")
    except (OSError, ValueError) as error:
        raise KubeconfigError(
            f"A certificate or key of the kubeconfig {access.shown} cannot be used "
            f"({reason([error]) or type(error).__name__}): get a new kubeconfig."
        ) from None
    return context


@contextmanager
def _private_folder() -> Iterator[str]:
    """A folder for files that OpenSSL or the library must have, removed with them."""
    with tempfile.TemporaryDirectory(prefix="temporal-lab-") as folder:
        yield folder
