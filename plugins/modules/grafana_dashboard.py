#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_dashboard
short_description: Import, remove or export a dashboard of Grafana
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Saves the dashboard of a file, and only when a person would see a difference to the one that is there.
  - Inputs, references and data-source variables get a data source that exists; the only one of a type is taken, else
    the default one of that type, else O(datasource) or O(inputs) must say which.
  - Compared are normal forms. Ids, versions, the schema version, the order of keys, null instead of absent and values
    that Grafana fills in make no difference. Nor does what people have selected in a variable, and it stays. Of a
    data-source variable the selection counts when O(datasource) or O(inputs) says it, or when it no longer exists.
  - A dashboard that is there keeps its folder unless O(move) is set. Others' changes are not overwritten unless
    O(overwrite) is set.
  - Broken JSON, panels that need Angular, titles and uids that Grafana would refuse are told with their places before
    Grafana is asked.
  - After it was saved a dashboard is read again; what Grafana stored otherwise is a warning and in RV(altered).
extends_documentation_fragment:
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.grafana
  - temporal_lab.benchmarking.attributes.anywhere
notes:
  - The token must be of a service account with the role Editor or Admin.
  - It uses C(/api/dashboards) of Grafana, always with the folder's uid, which Grafana 11, 12 and 13 document. It was
    tested against recorded answers of Grafana 12.3 alone; moving a dashboard without O(overwrite), Grafana 11 and
    Grafana 13 were not tried for real.
  - Dashboards with the schema v2 (dynamic dashboards) are refused.
  - A library panel that comes along in the file becomes a panel of the dashboard; one of Grafana stays one.
attributes:
  check_mode:
    description: Grafana is read, and RV(ignore:changed) and the diff are those of a real run; nothing is changed.
    support: full
  diff_mode:
    description: What changes in normal form, a line for each place; a new or removed dashboard is shown whole.
    support: full
  idempotent:
    description: A dashboard that is as wanted is not saved, and its version stays.
    support: full
options:
  state:
    description:
      - V(present) saves the dashboard of O(path) or O(content).
      - V(absent) removes the dashboard with its annotations.
      - V(exported) writes it to O(dest), with inputs in the place of data sources.
    type: str
    choices: [present, absent, exported]
    default: present
  path:
    description:
      - File with the dashboard as JSON, on the control node.
      - It holds the dashboard itself, what C(/api/dashboards/uid) answers, or a resource of kind C(Dashboard).
        Of the last two only the dashboard is used, not the folder.
    type: path
  content:
    description:
      - The dashboard as JSON, instead of the file that O(path) names.
      - The action sends it by itself when the task runs on another host.
    type: jsonarg
  uid:
    description:
      - The uid by which Grafana knows the dashboard, at most 40 letters, digits, C(-) and C(_).
      - Without it the one in the file counts.
    type: str
  folder_uid:
    description:
      - The folder for a new dashboard, by its uid; V(general) for none.
      - A dashboard that is there is only moved when O(move) is set. The task fails when it is in another folder.
      - Without it a new dashboard is in no folder, and one that is there stays where it is.
    type: str
  folder_title:
    description:
      - Title of the folder O(folder_uid), to have it made with the same token when it is not there.
      - A folder that is there keeps its title.
    type: str
  move:
    description: Whether a dashboard that is in another folder is moved to O(folder_uid).
    type: bool
    default: false
  datasource:
    description:
      - The data source to take wherever its type fits, by uid or name.
      - It is also taken in the place of data sources of that type that the file names and that do not exist.
    type: str
  inputs:
    description:
      - Values by name, for constants the text and for data sources their uid or name.
      - A name is that of an input in the file, of a data-source variable, or the uid of a data source that the file
        names and that does not exist.
    type: dict
    default: {}
  version_message:
    description: What the history of the dashboard says about the change.
    type: str
    default: ""
  overwrite:
    description: Whether to save although somebody else has saved the dashboard after it was read.
    type: bool
    default: false
  dest:
    description:
      - File to export to, on the host where the task runs. Its folder must be there.
      - It is written whole or not at all, and only when it holds another dashboard.
    type: path
"""

EXAMPLES = r"""
- name: The lab's dashboard in a folder of its own
  temporal_lab.benchmarking.grafana_dashboard:
    namespace: student-01
    path: files/dashboards/temporal-lab.json
    folder_uid: temporal-lab
    folder_title: Temporal lab
    version_message: from the lab

- name: A dashboard from somewhere else, with the data source to use
  temporal_lab.benchmarking.grafana_dashboard:
    url: https://grafana.example.org
    token: "{{ vault_grafana_token }}"
    path: downloaded.json
    uid: temporal-server
    datasource: prometheus
    inputs:
      VAR_JOB: temporal

- name: Keep what was changed by hand
  temporal_lab.benchmarking.grafana_dashboard:
    namespace: student-01
    state: exported
    uid: temporal-server
    dest: temporal-server.json

- name: Remove it
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
  description: Path of the dashboard's page in Grafana; null for one that check mode would make.
  returned: O(state=present) or O(state=exported)
  type: str
  sample: /d/temporal-lab-benchmarking/temporal-lab
version:
  description: Version of the dashboard in Grafana; null for one that check mode would make.
  returned: success, unless there was none to remove
  type: int
  sample: 3
folder_uid:
  description: Uid of the folder that it is in, empty for none.
  returned: success, unless there was none to remove
  type: str
  sample: temporal-lab
folder_created:
  description: Whether the folder was made, or would be in check mode.
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
    - What Grafana stored otherwise than it was sent, a line each.
    - When it is not empty, the next run finds the dashboard changed again; correct the file.
  returned: O(state=present)
  type: list
  elements: str
dest:
  description: The file that was exported to.
  returned: O(state=exported)
  type: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.grafana_dashboard import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
