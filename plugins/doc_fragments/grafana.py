# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of Grafana, with the path before C(/api) if there is one.
      - Without it, Grafana is reached through a port-forward to O(service) that the cluster's API server opens. This
        needs permission to V(get) and V(create) V(pods/portforward), to V(get) V(services) and to V(list) V(pods) in
        O(namespace).
      - With it, O(token_file) and O(username) or O(token), the cluster is not contacted at all.
    type: str
  ca_path:
    description:
      - File with the CA certificates to trust at O(url), instead of the usual ones.
      - It also overrides the environment variable E(REQUESTS_CA_BUNDLE).
    type: path
  client_cert:
    description: File with the TLS client certificate for O(url), and its key unless O(client_key) is given.
    type: path
  client_key:
    description: File with the key of O(client_cert).
    type: path
  validate_certs:
    description: Whether the certificate of O(url) must be valid.
    type: bool
    default: true
  service:
    description:
      - Service of Grafana in O(namespace).
      - By default O(release) followed by C(-grafana).
    type: str
  service_port:
    description: Port of the Service.
    type: int
    default: 80
  username:
    description:
      - Administrator of Grafana. Only M(temporal_lab.benchmarking.grafana_service_account) uses it.
      - Without it and O(token), the administrator is read from the keys C(admin-user) and C(admin-password) of the
        Secret O(release) followed by C(-grafana) in O(namespace).
    type: str
  password:
    description: Password of O(username).
    type: str
  token:
    description:
      - Token of a service account to use instead of the kept one.
      - For M(temporal_lab.benchmarking.grafana_service_account) the token of an account with the role Admin, instead of
        O(username), such as where Grafana's basic authentication is off.
    type: str
  organisation:
    description:
      - Number of the organisation of Grafana in which M(temporal_lab.benchmarking.grafana_service_account) creates the
        account, and so of all that its token may see.
      - By default the one that the administrator is in. A token is of one organisation, so for other modules and with
        O(token) this makes no difference.
    type: int
  token_secret:
    description:
      - Secret in O(namespace) that keeps the token of the service account.
      - Without it and O(token_file), O(release) followed by C(-grafana-token).
    type: str
  token_file:
    description:
      - File that keeps the token instead of a Secret, on the host where the task runs. Missing folders are made.
      - It keeps the token of one account. M(temporal_lab.benchmarking.grafana_service_account) refuses the file of
        another one.
    type: path
requirements:
  - requests >= 2.31, with urllib3 >= 2
"""
