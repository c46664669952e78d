#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_service_account
short_description: Make a service account in Grafana and keep a token of it
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Makes, changes or removes a service account in Grafana, asked as its administrator.
  - Makes a token of the account and keeps it in a Secret or in a file, where the other tasks for Grafana find it. The
    kept token is tried each time; while Grafana accepts it and it does not expire soon, it stays.
  - A new token is kept before older ones of this task are removed. Tokens of other names are left alone.
  - The token's text is nowhere in what the task returns or shows.
extends_documentation_fragment:
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.grafana
  - temporal_lab.benchmarking.attributes.anywhere
attributes:
  check_mode:
    description: Looks, tries the kept token, and says what would be changed.
    support: full
  diff_mode:
    description: Shows the account's role and state, and the token's name and expiry; never its text.
    support: full
  idempotent:
    description: A token is only made when the kept one is not accepted or expires soon.
    support: full
options:
  state:
    description:
      - V(present) makes the account and a token of it.
      - V(absent) removes the account, its tokens in Grafana, and the token that is kept when it is of this account.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the service account, exactly as Grafana has it.
    type: str
    default: temporal-lab
  role:
    description: What the account may do in Grafana's organisation.
    type: str
    choices: [Viewer, Editor, Admin]
    default: Editor
  disabled:
    description:
      - Whether Grafana refuses the account. No token of a disabled account is made; the kept one stays for later.
      - After a change of it or of O(role), the task waits the five seconds that Grafana remembers what was before.
    type: bool
    default: false
  token_lifetime:
    description: Seconds that a new token is valid; V(0) is for ever, where Grafana allows it.
    type: int
    default: 2592000
  token_renew:
    description: Seconds before its expiry from which on the kept token is replaced; shorter than O(token_lifetime).
    type: int
    default: 86400
seealso:
  - name: Service accounts
    description: Grafana's documentation of them.
    link: https://grafana.com/docs/grafana/latest/administration/service-accounts/
"""

EXAMPLES = r"""
- name: An Editor's token in the Secret my-temporal-grafana-token
  temporal_lab.benchmarking.grafana_service_account:
    namespace: student-01

- name: The same for a Grafana with an address of its own, without a cluster
  temporal_lab.benchmarking.grafana_service_account:
    url: https://grafana.example.org/monitoring
    ca_path: /etc/ssl/example-org.pem
    username: admin
    password: "{{ grafana_admin_password }}"
    token_file: ~/.config/temporal-lab/grafana-token.json

- name: Account, tokens and kept token go
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
      description: Number in Grafana; null in check mode when the account would be made.
      type: int
    name:
      description: Name.
      type: str
    login:
      description: Login name that Grafana made of it; null in check mode when the account would be made.
      type: str
      sample: sa-1-temporal-lab
    role:
      description: Role in the organisation.
      type: str
    disabled:
      description: Whether Grafana refuses it.
      type: bool
token:
  description: What is known of the token that is kept, without its text.
  returned: success
  type: dict
  contains:
    state:
      description: What became of it, V(kept), V(created), V(renewed), V(removed) or V(none).
      type: str
    name:
      description: Its name in Grafana, empty when there is none.
      type: str
      sample: temporal-lab-20261123T170102Z-0badcafe
    expires:
      description: When it expires, in UTC; empty when it does not, or when there is none.
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
