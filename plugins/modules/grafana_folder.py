#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_folder
short_description: Create a folder in Grafana, and say who may see it
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Creates, renames or deletes a folder in Grafana, as its administrator.
  - Sets the folder's permissions, such as for a student and the instructors alone.
  - Permissions hide dashboards, not data. Whoever may query a data source of the organisation sees what is in it; only
    an organisation for each student would prevent that.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.grafana
  - temporal_lab.benchmarking.attributes.anywhere
notes:
  - It uses C(/api/folders) as documented for Grafana 11, 12 and 13. Permissions were not tried on a real server.
attributes:
  check_mode:
    description: Grafana is read; nothing is changed. A service account that does not exist yet is taken for granted.
    support: full
  diff_mode:
    description: The title and the permissions before and after.
    support: full
  idempotent:
    description: A folder that is already as it should be is not written.
    support: full
options:
  state:
    description:
      - V(present) creates the folder, or gives it O(title) and O(permissions).
      - V(absent) deletes it with all dashboards in it.
    type: str
    choices: [present, absent]
    default: present
  uid:
    description: The uid of the folder, at most 40 letters, digits, C(-) and C(_).
    type: str
    required: true
  title:
    description: Title of the folder; required to create it. Without it, a folder that exists keeps its title.
    type: str
  permissions:
    description:
      - All permissions that the folder has, each for one O(permissions[].role), O(permissions[].team),
        O(permissions[].user) or O(permissions[].account). Those that are not listed are removed.
      - Administrators of the organisation may always see and change everything.
      - Without this option, permissions stay as they are.
    type: list
    elements: dict
    suboptions:
      role:
        description: Everybody with this role in the organisation.
        type: str
        choices: [Viewer, Editor]
      team:
        description: A team by its name.
        type: str
      user:
        description: A user of the organisation by the login.
        type: str
      account:
        description: A service account by its name.
        type: str
      permission:
        description: What they may do.
        type: str
        choices: [View, Edit, Admin]
        required: true
seealso:
  - module: temporal_lab.benchmarking.grafana_service_account
  - name: Folder permissions
    description: Grafana's documentation.
    link: https://grafana.com/docs/grafana/latest/administration/roles-and-permissions/
"""

EXAMPLES = r"""
- name: Create a folder that one student and the instructors see
  temporal_lab.benchmarking.grafana_folder:
    url: https://grafana.example.org
    username: admin
    password: "{{ vault_grafana_password }}"
    uid: temporal-lab-student-01
    title: Temporal lab, student-01
    permissions:
      - {account: temporal-lab-student-01, permission: Edit}
      - {user: ada, permission: View}
      - {team: instructors, permission: Edit}

- name: Delete it with its dashboards
  temporal_lab.benchmarking.grafana_folder:
    url: https://grafana.example.org
    username: admin
    password: "{{ vault_grafana_password }}"
    uid: temporal-lab-student-01
    state: absent
"""

RETURN = r"""
uid:
  description: The uid of the folder.
  returned: success
  type: str
  sample: temporal-lab-student-01
title:
  description: Its title; null when it is absent.
  returned: success
  type: str
created:
  description: Whether the folder was created; in check mode, whether it would be.
  returned: success
  type: bool
permissions:
  description: The permissions that O(permissions) asks for.
  returned: success
  type: list
  elements: str
  sample: ["account temporal-lab-student-01: Edit", "team instructors: Edit"]
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.grafana_folder import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
