# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, certificates and kubeconfigs of the embedded node.

The certificate authority and the key that signs service account tokens outlive
a restart of the node; every other certificate is issued at each start, so
that it fits the node's address and has not expired.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    CRYPTOGRAPHY = True
except ImportError:  # the caller reports it: see require()
    CRYPTOGRAPHY = False

from ..errors import LabError
from ..files import PRIVATE_FILE

#: The node is a throw-away one: its certificates outlive it.
LIFETIME = datetime.timedelta(days=3650)


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, both as PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True)
class Identity:
    """Whom a certificate stands for.

    name: file name and common name's short form.
    common_name, organization: what Kubernetes reads as user and group.
    hosts: DNS names and IP addresses that a server answers for.
    """

    name: str
    common_name: str
    organization: str = ""
    hosts: Sequence[str] = ()


def identities(node_name: str, address: str, service_address: str) -> tuple[Identity, ...]:
    """Return every identity of the node.

    address: the node's address in its network namespace.
    service_address: first address of the service range, which is the API server's.
    """
    masters = "system:masters"
    service_names = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    return (
        Identity(
            "apiserver",
            "kube-apiserver",
            hosts=(
                "localhost",
                *service_names,
                "127.0.0.1",
                address,
                service_address,
            ),
        ),
        Identity("kubelet", f"system:node:{node_name}", "system:nodes", hosts=(node_name, "127.0.0.1", address)),
        Identity("admin", "admin", masters),
        Identity("controller-manager", "system:kube-controller-manager"),
        Identity("scheduler", "system:kube-scheduler"),
        Identity("proxy", "system:kube-proxy"),
        Identity("coredns", "system:coredns"),
    )


def require() -> None:
    """Raise LabError when the cryptography package is missing."""
    if not CRYPTOGRAPHY:
        raise LabError("the embedded node makes its certificates with the Python package cryptography: install it")


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        # An hour of grace for a clock that is set back between two starts.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )


def authority() -> KeyPair:
    """Make a certificate authority."""
    require()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "temporal-lab")])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


def _alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def issue(ca: KeyPair, identity: Identity) -> KeyPair:
    """Make a certificate for an identity, signed by the authority."""
    require()
    ca_certificate = x509.load_pem_x509_certificate(ca.certificate)
    ca_key = serialization.load_pem_private_key(ca.key, password=None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise LabError(
            "the key of the embedded node's certificate authority is not one that the lab made: "
            "run make node-down PURGE=1, which removes the node's state, and make node-up"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, identity.common_name)]
    if identity.organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.organization))
    hosts = identity.hosts or (identity.name,)
    certificate = (
        _builder(x509.Name(attributes), ca_certificate.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_alternative_name(host) for host in hosts]), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


def signing_key() -> KeyPair:
    """Make the key pair that signs service account tokens; ``certificate`` is the public key."""
    require()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(public, _pem(key))


def kubeconfig(server: str, context: str, ca: bytes, client: KeyPair, namespace: str = "default") -> dict[str, Any]:
    """Return a kubeconfig of one context that holds its certificates itself."""

    def text(pem: bytes) -> str:
        return base64.b64encode(pem).decode()

    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": text(ca)}}],
        "users": [
            {
                "name": context,
                "user": {
                    "client-certificate-data": text(client.certificate),
                    "client-key-data": text(client.key),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context, "namespace": namespace}}],
        "current-context": context,
    }


def write_private(path: Path, content: bytes | str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, PRIVATE_FILE)
        file.write(data)
    temporary.replace(path)


def write_pair(folder: Path, name: str, pair: KeyPair) -> None:
    """Write NAME.crt and NAME.key."""
    write_private(folder / f"{name}.crt", pair.certificate)
    write_private(folder / f"{name}.key", pair.key)


def read_pair(folder: Path, name: str) -> KeyPair | None:
    """Read NAME.crt and NAME.key, or None when either is missing."""
    try:
        return KeyPair((folder / f"{name}.crt").read_bytes(), (folder / f"{name}.key").read_bytes())
    except FileNotFoundError:
        return None
