#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_service_account
short_description: Create a service account in Grafana and keep a token of it
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Creates, changes or deletes a service account in Grafana, as its administrator.
  - Creates a token of the account and keeps it in a Secret or in a file, where the other Grafana modules find it. Every
    run tries the kept token, and replaces it only if Grafana rejects it or it expires soon.
  - A new token is kept before older ones of this module are deleted. Tokens with other names are left alone.
  - The token itself is never returned or shown.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.grafana
  - temporal_lab.benchmarking.attributes.anywhere
attributes:
  check_mode:
    description: Grafana is read and the kept token is tried; nothing is changed.
    support: full
  diff_mode:
    description: The account's role and state, and the token's name and expiry; never the token itself.
    support: full
  idempotent:
    description: A token is created only if Grafana rejects the kept one or it expires soon.
    support: full
options:
  state:
    description:
      - V(present) creates the account and a token of it.
      - V(absent) deletes the account with its tokens, and the kept token if it is of this account.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the service account, exactly as in Grafana.
    type: str
    default: temporal-lab
  role:
    description: Role of the account in Grafana's organisation.
    type: str
    choices: [Viewer, Editor, Admin]
    default: Editor
  disabled:
    description:
      - Whether the account is disabled. A disabled account gets no token; the kept one stays for later.
      - After a change of this or of O(role), the task waits five seconds, for which Grafana caches the old state.
    type: bool
    default: false
  token_lifetime:
    description: Lifetime of a new token in seconds; V(0) is for ever, where Grafana allows it.
    type: int
    default: 2592000
  token_renew:
    description: Seconds before its expiry at which the kept token is replaced; less than O(token_lifetime).
    type: int
    default: 86400
seealso:
  - name: Service accounts
    description: Grafana's documentation.
    link: https://grafana.com/docs/grafana/latest/administration/service-accounts/
"""

EXAMPLES = r"""
- name: Keep an Editor's token in the Secret my-temporal-grafana-token
  temporal_lab.benchmarking.grafana_service_account:
    namespace: student-01

- name: Do the same for a Grafana at its own address, without a cluster
  temporal_lab.benchmarking.grafana_service_account:
    url: https://grafana.example.org/monitoring
    ca_path: /etc/ssl/example-org.pem
    username: admin
    password: "{{ grafana_admin_password }}"
    token_file: ~/.config/temporal-lab/grafana-token.json

- name: Delete the account, its tokens and the kept token
  temporal_lab.benchmarking.grafana_service_account:
    namespace: student-01
    state: absent
"""

RETURN = r"""
account:
  description: The service account; null when it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: Number in Grafana; null in check mode if the account would be created.
      type: int
    name:
      description: Name.
      type: str
    login:
      description: Login name that Grafana gave it; null in check mode if the account would be created.
      type: str
      sample: sa-1-temporal-lab
    role:
      description: Role in the organisation.
      type: str
    disabled:
      description: Whether it is disabled.
      type: bool
token:
  description: The kept token, without the token itself.
  returned: success
  type: dict
  contains:
    state:
      description: What happened to it. V(kept), V(created), V(renewed), V(removed) or V(none).
      type: str
    name:
      description: Its name in Grafana, empty if there is none.
      type: str
      sample: temporal-lab-20261123T170102Z-0badcafe
    expires:
      description: When it expires, in UTC; empty if it does not, or if there is none.
      type: str
      sample: "2026-12-23T17:01:02Z"
    place:
      description: Where it is kept.
      type: str
      sample: Secret my-temporal-grafana-token in namespace student-01
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.grafana_service_account import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
