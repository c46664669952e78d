#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: student_kubeconfig
short_description: Write a student's kubeconfig file with a token that ends
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Has the API server make a token of the student's ServiceAccount (TokenRequest API), and writes a kubeconfig with it
    and with the address and the certificate authority of the instructor's cluster. Nothing of the instructor's own
    access is in it.
  - Each time the API server is asked whether it still accepts the token of the file (TokenReview API). While it does
    and the token does not end soon, it stays.
  - The file has mode 0600 and is written whole or not at all. Its folder is made with mode 0700 when it is missing.
  - A file at that place which this task has not made, or has made for another namespace, is left alone, and the task
    fails.
  - The context of the file has O(namespace) as its own.
  - The token's text is nowhere in what the task returns or shows.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.instructor
  - temporal_lab.benchmarking.attributes.control_node
attributes:
  check_mode:
    description: Checks the file and its token, and reports what would change.
    support: full
  diff_mode:
    description: Shows context, server, account, expiry and mode; never the token.
    support: full
  idempotent:
    description: A token is only made when the file's own is not accepted or ends soon.
    support: full
options:
  path:
    description: Path of the student's kubeconfig file.
    type: path
    required: true
  state:
    description: V(absent) removes the file; the token in it ends with its ServiceAccount.
    type: str
    choices: [present, absent]
    default: present
  account:
    description: Name of the student's ServiceAccount.
    type: str
    default: student
  name:
    description: Name of context, cluster and user in the file; the namespace's name by default.
    type: str
  server:
    description: >-
      Address of the API server for the student, when it is another one than in the instructor's kubeconfig. The
      certificate authority stays the same.
    type: str
  token_lifetime:
    description: Requested lifetime of a new token in seconds, at least 600. The API server may grant less.
    type: int
    default: 2592000
  token_renew:
    description:
      - Seconds before its end from which on the file's token is replaced; less than O(token_lifetime).
      - If the API server grants less than was requested, half of what it granted when that is less.
    type: int
    default: 604800
requirements:
  - kubernetes >= 31
"""

EXAMPLES = r"""
- name: A kubeconfig for one student
  temporal_lab.benchmarking.student_kubeconfig:
    namespace: student-01
    path: kubeconfigs/student-01.kubeconfig

- name: The file goes
  temporal_lab.benchmarking.student_kubeconfig:
    namespace: student-01
    path: kubeconfigs/student-01.kubeconfig
    state: absent
"""

RETURN = r"""
path:
  description: Path of the file, less links on the way.
  returned: success
  type: str
state:
  description: >-
    What was done with the file, V(created), V(renewed) (with another token), V(rewritten) (with the same), V(kept),
    V(removed) or V(none); in check mode what would be done.
  returned: success
  type: str
reason:
  description: Why the file was not kept; empty if it was.
  returned: success
  type: str
  sample: the API server rejects its token
server:
  description: Address of the API server in the file; null when there is no file.
  returned: success
  type: str
namespace:
  description: Namespace of the file's context.
  returned: success
  type: str
account:
  description: ServiceAccount that the token is of; null when there is no file.
  returned: success
  type: str
expires:
  description: When the API server says that the token ends, in UTC; empty when there is none yet.
  returned: success
  type: str
  sample: "2026-12-23T17:01:02Z"
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.student_kubeconfig import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
