#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_datasource
short_description: Create a data source in Grafana
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Creates, changes or deletes a data source in Grafana, as its administrator, such as for the Prometheus of one
    student.
  - Secrets are kept encrypted in Grafana and never come back. A secret that Grafana has is taken for the same one, so a
    second run changes nothing; O(renew_secrets) writes it again.
  - Settings that are not asked for stay as they are.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.grafana
  - temporal_lab.benchmarking.attributes.anywhere
notes:
  - It uses C(/api/datasources/uid) as documented for Grafana 11, 12 and 13. Of a real server, creating and reading a
    data source was recorded; changing one was not tried.
attributes:
  check_mode:
    description: Grafana is read; nothing is changed.
    support: full
  diff_mode:
    description: The fields that are asked for, before and after; of secrets only which there are.
    support: full
  idempotent:
    description: A data source that is already as it should be is not written, unless O(renew_secrets) is set.
    support: full
options:
  state:
    description: V(present) creates or changes the data source, V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  uid:
    description: The uid of the data source, at most 40 letters, digits, C(-) and C(_).
    type: str
    required: true
  name:
    description: Its name, by default the O(uid).
    type: str
  type:
    description: Its type, the id of a plugin.
    type: str
    default: prometheus
  address:
    description:
      - The address at which Grafana's server reaches it. Required unless O(state=absent).
      - A Prometheus in a cluster can be reached through the API server, at
        C(https://API-SERVER/api/v1/namespaces/NAMESPACE/services/SERVICE:PORT/proxy), with O(bearer_token).
    type: str
  default:
    description: Whether it is the organisation's default data source. Without this option it stays as it is.
    type: bool
  basic_user:
    description: User for basic authentication.
    type: str
  basic_password:
    description: Password of O(basic_user).
    type: str
  bearer_token:
    description: Token that Grafana sends in the header C(Authorization).
    type: str
  ca_certificate:
    description: The certificate of the authority that signed the certificate at O(address), as PEM.
    type: str
  json_data:
    description: More settings of the data source by Grafana's names in C(jsonData), such as C(timeInterval).
    type: dict
    default: {}
  renew_secrets:
    description: Whether to write O(basic_password), O(bearer_token) and O(ca_certificate) though Grafana has them.
    type: bool
    default: false
seealso:
  - module: temporal_lab.benchmarking.grafana_folder
  - name: Data source HTTP API
    description: Grafana's documentation.
    link: https://grafana.com/docs/grafana/latest/developers/http_api/data_source/
"""

EXAMPLES = r"""
- name: Give Grafana the Prometheus of a student
  temporal_lab.benchmarking.grafana_datasource:
    url: https://grafana.example.org
    username: admin
    password: "{{ vault_grafana_password }}"
    uid: temporal-lab-student-01
    name: Prometheus of student-01
    address: https://k8s.example.org:6443/api/v1/namespaces/student-01/services/my-temporal-prometheus-server:80/proxy
    bearer_token: "{{ vault_student_01_token }}"
    ca_certificate: "{{ lookup('ansible.builtin.file', 'cluster-ca.pem') }}"
    json_data:
      timeInterval: 5s

- name: Delete it
  temporal_lab.benchmarking.grafana_datasource:
    url: https://grafana.example.org
    username: admin
    password: "{{ vault_grafana_password }}"
    uid: temporal-lab-student-01
    state: absent
"""

RETURN = r"""
uid:
  description: The uid of the data source.
  returned: success
  type: str
  sample: temporal-lab-student-01
name:
  description: Its name; null when it is absent.
  returned: success
  type: str
created:
  description: Whether it was created; in check mode, whether it would be.
  returned: success
  type: bool
changed_fields:
  description: What changed in one that existed, by Grafana's names.
  returned: success
  type: list
  elements: str
  sample: [jsonData.timeInterval, url]
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.grafana_datasource import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
