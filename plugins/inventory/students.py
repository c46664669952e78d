# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# documentation comes before imports, for ansible-test
from __future__ import annotations

DOCUMENTATION = r"""
name: students
short_description: A class of students as inventory hosts
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Each student of a class becomes a host, with the variables that the roles of the collection read,
    C(lab_namespace), C(lab_kubeconfig), C(lab_context), C(students_kubeconfig) and C(students_context).
  - The students come from a roster, from a folder with a kubeconfig for each, or from a range of names. A source file
    has one of O(roster), O(kubeconfigs) and O(namespaces).
  - The source file's name must end in C(.students.yml) or C(.students.yaml).
  - Hosts are in the order of the roster or of the ranges, and sorted by name for a folder, so that a slice such as
    C(--limit 'students[0:149]') is the same one each time.
  - Tasks run on the control node with its Python, C(ansible_connection=local) and
    C(ansible_python_interpreter={{ ansible_playbook_python }}). O(vars) and a roster in the source file can say
    otherwise, and a roster's file only where O(columns) allows it.
  - Nothing is asked of a cluster, and whether kubeconfigs exist or work is left to the stages.
  - Two students in one Kubernetes namespace of a cluster are an error, as far as kubeconfig, context and namespace
    tell; it is not looked for when O(compose) sets one of C(lab_kubeconfig), C(lab_context) and C(lab_namespace).
notes:
  - In paths of the source file, C(~) and environment variables are replaced. Paths are no templates.
  - Give the source file itself as inventory, not its folder. Ansible takes every file below a folder for an inventory,
    and an executable one for a program, also a roster and the kubeconfigs of students. It is an error here, but Ansible
    may have read them before.
  - When a source file has an error, Ansible tries its other inventory plugins on it, shows what each of them says, and
    goes on without hosts. Set C(any_unparsed_is_failed=true) in the section C([inventory]) of C(ansible.cfg), or
    E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED), to have it end there.
extends_documentation_fragment:
  - ansible.builtin.constructed
options:
  plugin:
    description: The name of this plugin; by it Ansible finds the plugin without further settings.
    type: str
    required: true
    choices: [temporal_lab.benchmarking.students]
  roster:
    description:
      - Path of a roster, relative to the source file, or the roster itself as a list of dictionaries.
      - Each student has a C(name), and may have C(namespace), C(kubeconfig) (relative to the file of the roster) and
        C(context).
      - Further columns or keys become host variables where their names are valid for variables and not Ansible's own;
        others are left out, and named with C(-v). A cell or value that is empty sets no variable.
      - C(.yml), C(.yaml) and C(.json) are YAML and JSON, a list of dictionaries.
      - C(.csv) is a table in UTF-8 with a header line, separated by commas or semicolons, as spreadsheets save it.
        All values are text, as a number could be a telephone's or begin with zeros. Use O(compose) with filters such as
        P(ansible.builtin.int#filter) and P(ansible.builtin.bool#filter) for numbers and booleans.
      - The rows of a file may come from students. So its text is never a template, and it cannot set a variable of
        Ansible or of the lab's roles, or one of O(vars), unless O(columns) allows the column; it is an error. A
        C(kubeconfig) in it is below the file's own folder, and C(~) and C($) are replaced by nothing.
      - A roster in the source file is the instructor's, and may hold anything.
      - A file has at most 8 MiB, 20,000 students, 200 columns and 4,000 characters in a cell. It may be encrypted with
        Ansible's vault as a whole, not value by value.
    type: raw
  columns:
    description:
      - Columns that the file of O(roster) may set although they decide how the lab works, by their names, such as
        C([lab_window, scaling_history_replicas]). Only for a file whose every row the instructor has checked.
      - They are needed for names that begin with C(ansible_) or with the name of a role and C(_), such as C(lab_helm),
        and for the names in O(vars). With V(kubeconfig) the column C(kubeconfig) may name a file anywhere.
    type: list
    elements: str
  kubeconfigs:
    description:
      - Path of a folder, relative to the source file, that holds one kubeconfig for each student. A student's name is
        the file's without its ending.
      - Files count that end in C(.kubeconfig), C(.config), C(.conf), C(.yaml) or C(.yml), except hidden ones. So backup
        files do not, such as those that end in C(~), C(.bak) or C(.orig). What does not count is named with C(-v).
      - Links, and what is no regular file, are left out with a warning, as a link can lead to the instructor's own
        kubeconfig.
      - The current context of each is used, and the Kubernetes namespace V(default), unless O(vars) or O(compose) sets
        C(lab_namespace). For kubeconfigs that the role C(students) wrote for namespaces with the names of the students,
        set it to C(inventory_hostname) with O(compose).
    type: str
  namespaces:
    description:
      - Names of students, each of which is also the student's Kubernetes namespace in the one cluster.
      - A name or a list of names, with ranges as in other inventories, such as V(student-[001:300]).
    type: raw
  kubeconfig:
    description:
      - Path of the kubeconfig of the cluster of students who have none of their own, relative to the source file.
      - With O(student_kubeconfigs) it is the instructor's access, and students' own kubeconfigs are elsewhere.
    type: str
  context:
    description:
      - Context of O(kubeconfig) for students who have none of their own; without it the current context.
      - It does not go with a kubeconfig that a student has of its own.
    type: str
  student_kubeconfigs:
    description:
      - Path of a folder, relative to the source file, where the role C(students) writes a kubeconfig with few rights
        for each student, C(NAME.kubeconfig).
      - The stages read it, C(lab_kubeconfig) is that file and C(lab_context) is empty. The instructor's access is in
        C(students_kubeconfig) and C(students_context).
      - Without it C(lab_kubeconfig) and C(lab_context) are the same as C(students_kubeconfig) and C(students_context).
    type: str
  group:
    description: Name of the group that the students are in.
    type: str
    default: students
  vars:
    description: Variables of the group. A student's own variables come before them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# class.students.yml: 300 students in as many namespaces of one cluster, each with few rights in their own
plugin: temporal_lab.benchmarking.students
namespaces: student-[001:300]
kubeconfig: instructor.kubeconfig
context: class
student_kubeconfigs: kubeconfigs
vars:
  lab_window: 5m

---
# class.students.yml: a roster that a spreadsheet saved, such as
#   name;namespace;context;seat
#   anna;student-01;cluster-a;7
#   ben;student-02;cluster-b;8
plugin: temporal_lab.benchmarking.students
roster: roster.csv
kubeconfig: ~/class/instructor.kubeconfig
compose:
  seat: seat | int
keyed_groups:
  # with a prefix: a cell of the roster must not be able to name one of your other groups
  - key: lab_context
    prefix: cluster

---
# class.students.yml: a short roster in the source file itself
plugin: temporal_lab.benchmarking.students
roster:
  - name: anna
    kubeconfig: clusters/a.kubeconfig
  - name: ben
    kubeconfig: clusters/b.kubeconfig
    context: admin
    scaling_history_replicas: 3

---
# class.students.yml: a folder with anna.kubeconfig, ben.kubeconfig ..., each of a cluster of its own
plugin: temporal_lab.benchmarking.students
kubeconfigs: kubeconfigs
vars:
  lab_namespace: temporal
"""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable, detect_range, expand_hostname_range
from ansible.utils.unsafe_proxy import wrap_var
from ansible.vars.reserved import is_reserved_name

from ..module_utils.errors import LabError
from ..module_utils.files import read_regular_file
from ..module_utils.foreign_text import plain, sentence
from ..module_utils.students.class_check import DEFAULT_NAMESPACE, check_students
from ..module_utils.students.kubeconfig_folder import KUBECONFIG_ENDINGS, students_of_folder
from ..module_utils.students.name_ranges import students_of_ranges
from ..module_utils.students.roster import (
    Row,
    read_csv,
    read_json_rows,
    read_roster,
    read_rows,
    read_yaml_rows,
    students_of_rows,
)
from ..module_utils.students.roster_columns import MAGIC, Columns, check_allowed
from ..module_utils.students.source_file import (
    check_keys,
    check_no_inventory,
    check_variables,
    expand_path,
    shown,
    source,
    text,
)
from ..module_utils.students.student import Access, Student, host_variables

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 all text is a template that is not marked as unsafe

    def trust_as_template(value: str) -> str:
        return value


ENDINGS = (".students.yml", ".students.yaml")
CONTROL_NODE = {
    "ansible_connection": "local",
    "ansible_python_interpreter": trust_as_template("{{ ansible_playbook_python }}"),
}
PLACE = {"lab_kubeconfig", "lab_context", "lab_namespace"}
READERS = {".csv": read_csv, ".yml": read_yaml_rows, ".yaml": read_yaml_rows, ".json": read_json_rows}
#: How a class file begins, under whatever name.
OURS = re.compile(rb"^[{\s]*\"?plugin\"?\s*:\s*[\"']?temporal_lab\.benchmarking\.students\b", re.MULTILINE)
#: Text that can be neither a template nor an expression that does something.
PLAIN = re.compile(r"[\w.,@+/:~ -]*")


class InventoryModule(BaseInventoryPlugin, Constructable):
    """The inventory plugin students."""

    NAME = "temporal_lab.benchmarking.students"

    def verify_file(self, path: str) -> bool:
        if not path.endswith(ENDINGS):
            # Ansible would only say that it could not be verified.
            if path.endswith((".yml", ".yaml")) and OURS.search(beginning(path)):
                name = plain(Path(path).name)
                raise AnsibleParserError(
                    f"The name of a class file ends in {' or '.join(ENDINGS)}, and {name} does not: rename it to "
                    f"{name.rpartition('.')[0]}.students.yml."
                )
            return False
        return bool(super().verify_file(path))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        folder = Path(path).parent
        try:
            check_keys(config, sorted(self._options))
            check_variables(self.get_option("vars"))
            allowed = check_allowed(config.get("columns"), config.get("roster"))
            access = Access(
                expand_path("kubeconfig", text("kubeconfig", config.get("kubeconfig")), folder),
                text("context", config.get("context")),
                expand_path(
                    "student_kubeconfigs", text("student_kubeconfigs", config.get("student_kubeconfigs")), folder
                ),
            )
            students, left_out = self._students(config, Path(path), allowed)
            self._check(students, access)
        except LabError as error:
            raise AnsibleParserError(sentence(error.msg), obj=error.details.get("obj")) from None
        if left_out:
            self.display.v(f"{path}: left out of the class: {', '.join(map(shown, left_out))}")
        before = set(self.inventory.hosts)
        try:
            self._add(students, access)
        except AnsibleError:  # Ansible may go on, and half a class is worse than none
            for name in set(self.inventory.hosts) - before:
                self.inventory.remove_host(self.inventory.get_host(name))
            raise

    def _students(
        self, config: Mapping[str, Any], path: Path, allowed: Collection[str]
    ) -> tuple[list[Student], list[str]]:
        """The students of the source file, and the names of files or columns that were left out."""
        kind = source(config)
        given = config[kind]
        if kind == "namespaces":
            return students_of_ranges(given, expand), []
        if isinstance(given, str):
            check_no_inventory(Path(expand_path(kind, given, path.parent, given)), path, inventories())
        if kind == "kubeconfigs":
            found, left_out = students_of_folder(Path(expand_path(kind, text(kind, given, given), path.parent, given)))
            for name in left_out:
                if name.endswith(KUBECONFIG_ENDINGS):
                    self.display.warning(
                        f"{path}: {name!r} is a link or no regular file, so it is no student of the class: copy the "
                        f"kubeconfig itself into the folder."
                    )
            return found, left_out
        if not isinstance(given, str):
            return students_of_rows(read_rows(f"the roster in {path.name}", given), path.parent)
        roster = Path(expand_path(kind, given, path.parent, given))
        columns = Columns(False, allowed, taken=self.get_option("vars"), reserved=reserved)
        return students_of_rows(self._rows(roster, given), roster.parent, columns)

    def _rows(self, roster: Path, given: str) -> list[Row]:
        """The rows of a roster's file, whose text is never a template."""
        return [replace(row, values=wrap_var(row.values)) for row in self._read(roster, given)]

    def _read(self, roster: Path, given: str) -> list[Row]:
        if not os.path.isfile(roster):
            raise LabError(f"There is no roster {roster}; correct the key roster.", obj=given)
        if roster.suffix not in READERS:
            raise LabError(f"The roster {roster} ends in none of .csv, .yml, .yaml and .json; rename it.", obj=given)
        # The text of a roster that is in Ansible's vault.
        real = self.loader.get_real_file(str(roster))
        try:
            content = read_roster(Path(real), roster.name)
        finally:
            self.loader.cleanup_tmp_file(real)
        return READERS[roster.suffix](roster.name, content)

    def _check(self, students: list[Student], access: Access) -> None:
        default = self.get_option("vars").get("lab_namespace", DEFAULT_NAMESPACE)
        check_students(
            students,
            access,
            groups={"all", "ungrouped", self.get_option("group"), *self.inventory.groups},
            default_namespace=None if "{{" in str(default) else str(default),
            collisions=not PLACE & set(self.get_option("compose")),
        )

    def _add(self, students: list[Student], access: Access) -> None:
        """Add the hosts, in their order."""
        group = self.inventory.add_group(self.get_option("group"))
        group_variables = self.get_option("vars")
        for name, value in group_variables.items():
            self.inventory.set_variable(group, name, value)
        strict = self.get_option("strict")
        for student in students:
            host = self.inventory.add_host(student.name, group=group)
            variables = {name: value for name, value in CONTROL_NODE.items() if name not in group_variables}
            variables |= student.variables
            variables |= wrap_var(host_variables(student, access))
            for name, value in variables.items():
                self.inventory.set_variable(host, name, readable(value))
            known = {**group_variables, **self.inventory.get_host(host).get_vars()}
            self._set_composite_vars(self.get_option("compose"), known, host, strict)
            self._add_host_to_composed_groups(self.get_option("groups"), known, host, strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, host, strict)


def reserved(name: str) -> bool:
    """Whether Ansible uses a variable's name itself."""
    return name in MAGIC or is_reserved_name(name)


def inventories() -> list[str]:
    """The sources of hosts that Ansible was given."""
    given = context.CLIARGS.get("inventory") or C.DEFAULT_HOST_LIST or ()
    return [given] if isinstance(given, str) else list(given)


def beginning(path: str) -> bytes:
    """The first part of a regular file, nothing where there is none."""
    try:
        read = read_regular_file(Path(path), 4096)
    except OSError:
        return b""
    return read[0] if read else b""


def readable(value: Any) -> Any:
    """Plain text as a template: as such it is the same, and ansible-inventory shows it without a mark."""
    return trust_as_template(value) if isinstance(value, str) and PLAIN.fullmatch(value) else value


def expand(pattern: str) -> list[str]:
    """The names of one range in Ansible's notation; raises ValueError with the reason where it is none."""
    if not detect_range(pattern):
        return [pattern]
    try:
        names: list[str] = expand_hostname_range(pattern)
        return names
    except AnsibleError as error:
        raise ValueError(str(error)) from None
    except (ValueError, IndexError):
        raise ValueError("it is not [begin:end] or [begin:end:step]") from None
