#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_dashboard
short_description: Import, delete or export a Grafana dashboard
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Saves the dashboard in a file, but only if a person would see a difference from the one in Grafana.
  - Inputs and data-source variables get a data source that exists. If there is only one of the type, that one is used,
    else the default one of the type; otherwise O(datasource) or O(inputs) must name one.
  - A data source that the file names and that does not exist is replaced by the only one of its type, which
    RV(datasources_mapped) tells. If there are several, O(datasource) or O(inputs) must name one.
  - Dashboards are compared in a normal form. Ids, versions, the schema version, the order of keys, null instead of
    absent, and values that Grafana fills in or drops make no difference.
  - What people have saved in the browser as their choice makes none either, and is kept. That is what is selected in
    variables, the time range, and which rows are collapsed. The selection of a data-source variable changes if
    O(datasource) or O(inputs) names another one, or if the data source no longer exists.
  - A dashboard that exists keeps its folder unless O(move) is set. Changes that others make in the meantime are not
    overwritten unless O(overwrite) is set.
  - Broken JSON, and titles and uids that Grafana would refuse, are reported with their places before Grafana is asked.
  - Old panels that Grafana migrates when the dashboard is opened, such as C(graph) and C(singlestat), are saved as they
    are. Panels whose plugin needs Angular and has no successor are a warning, or refused; see O(angular_panels).
  - Panels whose library panel Grafana does not have, and panels of a type for which no plugin is installed, are saved
    and named in a warning.
  - A dashboard is read again after it was saved. What Grafana stored differently is a warning, and listed in
    RV(altered).
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.grafana
  - temporal_lab.benchmarking.attributes.anywhere
notes:
  - The token must be of a service account with the role Editor or Admin.
  - It uses C(/api/dashboards), always with the folder's uid, as documented for Grafana 11, 12 and 13. It was tested
    against recorded answers of Grafana 11.6 and 12.3 only. Grafana 13, and a move without O(overwrite), were not tried
    on a real server.
  - Grafana 11 lets the maker of a folder use it only after up to a minute; the task waits for that.
  - A file with the schema v2 (dynamic dashboards) is saved by C(/apis/dashboard.grafana.app), as documented, if Grafana
    has its version V(v2) or V(v2beta1). That was not tried on a real server.
  - A dashboard that a person saved in the schema v2, as Grafana 13 does in the browser, is read as the classic one that
    Grafana makes of it, and saved as a classic one if it differs from a classic file.
  - A library panel in the file becomes a panel of the dashboard. A reference to a library panel of Grafana stays.
attributes:
  check_mode:
    description: Grafana is read, and RV(ignore:changed) and the diff are those of a real run; nothing is changed.
    support: full
  diff_mode:
    description: What changes in the normal form, a line for each place; a new or removed dashboard is shown whole.
    support: full
  idempotent:
    description: A dashboard that is already as it should be is not saved, so its version stays.
    support: full
options:
  state:
    description:
      - V(present) saves the dashboard in O(path) or O(content).
      - V(absent) deletes the dashboard with its annotations.
      - V(exported) writes it to O(dest), with inputs in place of data sources.
    type: str
    choices: [present, absent, exported]
    default: present
  path:
    description:
      - File with the dashboard as JSON, on the control node.
      - It holds the dashboard itself, an answer of C(/api/dashboards/uid) or the body of a request to import or save
        one, or a resource of the kind C(Dashboard). A folder in it is ignored; C(inputs) of an import are used.
    type: path
  content:
    description:
      - The dashboard as JSON, instead of O(path).
      - When the task runs on another host, Ansible sends the text of O(path) there as this option.
    type: jsonarg
  uid:
    description:
      - The uid by which Grafana knows the dashboard, at most 40 letters, digits, C(-) and C(_).
      - By default the one in the file. If there is none, one is made of the title and O(folder_uid), always the same.
    type: str
  uid_by_folder:
    description:
      - Whether to make a uid of the title and O(folder_uid) though the file has one, and O(uid) is not given.
      - So the same dashboard can be in several folders of one Grafana, such as those of students.
    type: bool
    default: false
  title:
    description: Title of the dashboard, instead of the one in the file.
    type: str
  folder_uid:
    description:
      - The folder for a new dashboard, by its uid; V(general) for none.
      - A dashboard that exists in another folder is moved only if O(move) is set; otherwise the task fails.
      - Without it a new dashboard is in no folder, and an existing one stays where it is.
    type: str
  folder_title:
    description:
      - Title of the folder O(folder_uid). If there is no such folder, it is created with this title.
      - A folder that exists keeps its title.
    type: str
  move:
    description: Whether to move a dashboard that is in another folder to O(folder_uid).
    type: bool
    default: false
  datasource:
    description:
      - The data source to use wherever its type fits, by uid or name.
      - It also replaces data sources of that type that the file names and that do not exist.
    type: str
  inputs:
    description:
      - Values by name. The value of a constant is its text, that of a data source its uid or name.
      - A name is that of an input in the file, that of a data-source variable, or the uid of a data source that the
        file names and that does not exist.
    type: dict
    default: {}
  version_message:
    description: Message for the version history of the dashboard.
    type: str
    default: ""
  overwrite:
    description: Whether to save even if somebody else has saved the dashboard since it was read.
    type: bool
    default: false
  angular_panels:
    description: What to do about panels whose plugin needs Angular, which Grafana 12 no longer has.
    type: str
    choices: [warn, refuse]
    default: warn
  dest:
    description:
      - File to export to, on the host where the task runs. Its folder must exist.
      - It is written whole or not at all, and only if its content changes.
    type: path
"""

EXAMPLES = r"""
- name: Import the lab's dashboard into a folder of its own
  temporal_lab.benchmarking.grafana_dashboard:
    namespace: student-01
    path: files/dashboards/temporal-benchmarking.json
    folder_uid: temporal-lab
    folder_title: Temporal lab
    version_message: from the lab

- name: Import a downloaded dashboard, with the data source to use
  temporal_lab.benchmarking.grafana_dashboard:
    url: https://grafana.example.org
    token: "{{ vault_grafana_token }}"
    path: downloaded.json
    uid: temporal-server
    datasource: prometheus
    inputs:
      VAR_JOB: temporal

- name: Export what was changed by hand
  temporal_lab.benchmarking.grafana_dashboard:
    namespace: student-01
    state: exported
    uid: temporal-server
    dest: temporal-server.json

- name: Delete it
  temporal_lab.benchmarking.grafana_dashboard:
    namespace: student-01
    state: absent
    uid: temporal-server
"""

RETURN = r"""
uid:
  description: The uid of the dashboard.
  returned: success
  type: str
  sample: temporal-lab-benchmarking
url:
  description: Path of the dashboard's page in Grafana; null for one that check mode would create.
  returned: O(state=present) or O(state=exported)
  type: str
  sample: /d/temporal-lab-benchmarking/temporal-lab
link:
  description: Address of that page; null for Grafana without O(url), and for a dashboard that check mode would create.
  returned: O(state=present)
  type: str
  sample: https://grafana.example.org/d/temporal-lab-benchmarking/temporal-lab
version:
  description: Version of the dashboard in Grafana; null for one that check mode would create.
  returned: success, unless there was none to delete
  type: int
  sample: 3
folder_uid:
  description: Uid of its folder, empty for none.
  returned: success, unless there was none to delete
  type: str
  sample: temporal-lab
folder_created:
  description: Whether the folder was created; in check mode, whether it would be.
  returned: O(state=present)
  type: bool
changed_paths:
  description: Where the dashboard changed; empty for a new one. A move is V(folder).
  returned: O(state=present) or O(state=exported)
  type: list
  elements: str
  sample: ["panels[id=3].targets[A].expr", title]
altered:
  description:
    - What Grafana stored differently from what was sent, a line each.
    - If it is not empty, the next run finds the dashboard changed again; correct the file.
  returned: O(state=present)
  type: list
  elements: str
datasources_mapped:
  description: Data sources that the file names and that do not exist, and the uid of the one that is used for each.
  returned: O(state=present)
  type: dict
  sample: {"PAAAA0000BBBB1111": "prometheus"}
dest:
  description: The exported file.
  returned: O(state=exported)
  type: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.grafana_dashboard import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
