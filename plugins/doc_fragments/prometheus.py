# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  service:
    description:
      - Service of Prometheus in O(namespace), which is asked through the cluster's API server.
      - Without it the Service is O(release) followed by C(-prometheus-server).
    type: str
  service_port:
    description: Port of the Service.
    type: int
    default: 80
  url:
    description:
      - Address of a Prometheus to ask instead, with the path before C(/api/v1) if there is one.
      - The cluster is then not asked at all. O(namespace) and O(release) still say whose series are read.
    type: str
  url_username:
    description: User for basic authentication at O(url).
    type: str
  url_password:
    description: Password for basic authentication at O(url).
    type: str
  url_token:
    description: Bearer token for O(url).
    type: str
  url_headers:
    description:
      - Headers to send with each request, such as C(X-Scope-OrgID) with the tenant of Mimir. They are also sent to
        O(service).
      - Messages mask their values. On a host that is not the control node Ansible masks them in the whole result, so
        that a value of one digit makes figures unreadable there; a system that also takes the tenant as a parameter or
        in the path is better given it there.
    type: dict
  url_parameters:
    description:
      - Parameters to send with each request, such as C(namespace) for prom-label-proxy. A list gives a parameter
        several times. They are also sent to O(service).
    type: dict
  client_cert:
    description: File with the TLS certificate to show at O(url), and with its key unless O(client_key) is given.
    type: path
  client_key:
    description: File with the key of O(client_cert).
    type: path
  ca_path:
    description:
      - File with the certificates of the authorities to trust at O(url), instead of the usual ones.
      - It also takes the place of what the environment variable E(REQUESTS_CA_BUNDLE) names.
    type: path
  validate_certs:
    description: Whether the certificate of O(url) must be valid.
    type: bool
    default: true
requirements:
  - requests >= 2.31, with urllib3 >= 2
  - PyYAML >= 5.1
"""
