# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the students of a class are: the functions behind the inventory plugin."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.class_check import check_students
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.kubeconfig_folder import (
    students_of_folder,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.name_ranges import students_of_ranges
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.roster import (
    LONGEST_CELL,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_STUDENTS,
    read_csv,
    read_json_rows,
    read_roster,
    read_rows,
    read_yaml_rows,
    students_of_rows,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.roster_columns import (
    DECIDING,
    Columns,
    check_allowed,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.source_file import (
    check_keys,
    check_variables,
    expand_path,
    source,
    text,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.student import (
    Access,
    Student,
    host_variables,
)

ROOT = Path(__file__).resolve().parents[3]
BOM = b"\xef\xbb\xbf"


def values(content: str | bytes) -> list[dict[str, str | None]]:
    encoded = content if isinstance(content, bytes) else content.encode()
    return [dict(row.values) for row in read_csv("r.csv", encoded)]


def student(name: str, **more: str) -> Student:
    return Student(name=name, place=f"r.csv of {name}", **more)


# --- a table -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "name,namespace\nanna,a\nben,b\n",
        "name;namespace\nanna;a\nben;b",
        "name,namespace\r\nanna,a\r\nben,b\r\n",
        "name,namespace\ranna,a\rben,b",
        BOM + b"name;namespace\r\nanna;a\r\n\r\n ; \r\nben;b\r\n;\r\n",
        ' name , "namespace" \n anna,  a \n\n"ben", "b"\n',
        "\n;;\nname;namespace;\nanna;a;\nben;b;\n",
    ],
)
def test_a_table_as_spreadsheets_save_it(content):
    assert values(content) == [{"name": "anna", "namespace": "a"}, {"name": "ben", "namespace": "b"}]


def test_cells_are_text_or_nothing():
    assert values("name,seat,front,note\nanna,007,true,\nben\n") == [
        {"name": "anna", "seat": "007", "front": "true", "note": None},
        {"name": "ben", "seat": None, "front": None, "note": None},
    ]


def test_a_cell_in_quotes_holds_separators_and_lines():
    rows = read_csv("r.csv", b'name,note\nanna,"a, b\nc"\nben,"d ""e"""\n')
    assert [row.values["note"] for row in rows] == ["a, b\nc", 'd "e"']
    assert [row.place for row in rows] == ["r.csv:2", "r.csv:4"]


def test_commas_in_a_table_with_semicolons():
    assert values("name;note\nanna;a, b\n") == [{"name": "anna", "note": "a, b"}]


def test_names_in_any_letters():
    assert values("name\njürgen\n李\n") == [{"name": "jürgen"}, {"name": "李"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name\njürgen\n".encode("latin-1"), "r.csv is not in UTF-8"),
        ("name\nanna\n".encode("utf-16"), "r.csv is not in UTF-8"),
        ("student,seat\nanna,1\n", "header in r.csv:1 has no column name, it has 'student, seat'"),
        ("name,seat,seat\n", "header in r.csv:1 has the column 'seat' twice"),
        ("name,seat\nanna,1\nben,2,x\n", "r.csv:3 has the value 'x' under no column"),
        ("name,,seat\nanna,x,1\n", "r.csv:2 has the value 'x' under no column"),
        ('name,note\nanna,"a\nben,b\n', "r.csv:2 has a quote that is not closed"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(content, message):
    with pytest.raises(LabError, match=message):
        values(content)


@pytest.mark.parametrize("content", ["", "\n\n", "name,namespace\n"])
def test_a_table_without_students_has_no_rows(content):
    assert values(content) == []


# --- a list --------------------------------------------------------------------------------------


def test_a_list_keeps_what_it_holds():
    rows = read_rows("r.yml", [{"name": "anna", "seat": 7, "front": True, "deep": {"a": [1]}, "note": None}])
    students, left_out = students_of_rows(rows, Path("/class"))
    assert students[0].variables == {"seat": 7, "front": True, "deep": {"a": [1]}}
    assert (students[0].place, left_out) == ("r.yml, student 1", [])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "anna"}, "r.yml is no list of students"),
        ("anna", "r.yml is no list of students"),
        (["anna"], "r.yml, student 1 is not a mapping"),
        ([{"name": "anna"}, {"namespace": "b"}], "r.yml, student 2 has no name"),
        ([{"name": " "}], "r.yml, student 1 has no name"),
        ([{"name": 7}], "name in r.yml, student 1 is not text"),
        ([{"name": "anna", "namespace": 7}], "namespace in r.yml, student 1 is not text"),
        ([{"name": "anna", "lab_kubeconfig": "k"}], "has lab_kubeconfig, which is worked out; call it kubeconfig"),
        ([{"name": "anna", "students_context": None}], "has students_context, .* call it context"),
        ([{"name": "anna", "kubeconfig": "{{ a }}"}], "is a template"),
    ],
)
def test_what_is_no_student_is_told_with_its_number(data, message):
    with pytest.raises(LabError, match=message):
        students_of_rows(read_rows("r.yml", data), Path("/class"))


def test_columns_that_cannot_be_variables_are_left_out_and_named():
    row = {"name": "anna", "E-Mail": "a@b", "for": "x", "true": "x", "größe": "x", 7: "x", "e_mail": "a@b"}
    students, left_out = students_of_rows(read_rows("r.yml", [row]), Path("/class"))
    assert students[0].variables == {"e_mail": "a@b"}
    assert left_out == ["E-Mail", "for", "true", "größe", "7"]


def test_a_kubeconfig_is_relative_to_the_roster(monkeypatch):
    monkeypatch.setenv("LAB_PLACE", "/env")
    monkeypatch.setenv("HOME", "/home/jane")
    rows = read_rows(
        "r.yml",
        [
            {"name": str(n), "kubeconfig": k}
            for n, k in enumerate(["k/a", "../a", "/a", "~/a", "$LAB_PLACE/a", "${LAB_PLACE}/a", None])
        ],
    )
    students, _left_out = students_of_rows(rows, Path("/class/fall"))
    assert [one.kubeconfig for one in students] == [
        "/class/fall/k/a",
        "/class/a",
        "/a",
        "/home/jane/a",
        "/env/a",
        "/env/a",
        "",
    ]


# --- a file that others may have written ---------------------------------------------------------

STRANGERS = Columns(trusted=False)


def of_a_file(allowed: Columns = STRANGERS, folder: Path = Path("/class"), **row: object) -> Student:
    ((one,), _left_out) = students_of_rows(read_rows("r.yml", [{"name": "anna", **row}]), folder, allowed)
    return one


def test_the_variables_that_decide_are_those_of_ansible_and_of_the_roles():
    roles = ROOT / "roles"
    assert set(DECIDING) == {"ansible_", *(f"{path.name}_" for path in roles.iterdir() if path.is_dir())}
    for defaults in roles.glob("*/defaults/main.yml"):
        assert [name for name in yaml.safe_load(defaults.read_text()) or () if not name.startswith(DECIDING)] == []


@pytest.mark.parametrize(
    "column",
    [
        "ansible_connection",
        "ansible_ssh_common_args",
        "ansible_python_interpreter",
        "ansible_host",
        "lab_helm",
        "lab_results_dir",
        "lab_opened",
        "measure_prometheus_url",
        "temporal_chart",
        "report_dest",
        "cluster",
    ],
)
def test_a_file_sets_no_variable_that_decides_unless_it_is_allowed_by_name(column):
    with pytest.raises(LabError, match=f"student 1 sets '{column}', which a roster's file may not"):
        of_a_file(Columns(trusted=False, taken=["cluster"]), **{column: "x"})
    assert of_a_file(Columns(trusted=False, allowed=[column], taken=["cluster"]), **{column: "x"}).variables
    assert of_a_file(Columns(), **{column: "x"}).variables == {column: "x"}
    assert not of_a_file(**{column: None}).variables


def test_all_that_is_refused_is_named_at_once():
    with pytest.raises(LabError, match=r"sets 'lab_helm', 'ansible_host', .* take the columns out, or name them"):
        of_a_file(lab_helm="x", ansible_host="y", seat="7")


def test_variables_of_ones_own_are_set_and_names_that_ansible_uses_are_left_out():
    rows = read_rows("r.yml", [{"name": "anna", "seat": "$7", "note": "~x", "hostvars": {}, "group_names": []}])
    ((one,), left_out) = students_of_rows(rows, Path("/class"), STRANGERS)
    assert one.variables == {"seat": "$7", "note": "~x"}
    assert left_out == ["hostvars", "group_names"]


@pytest.mark.parametrize("value", ["~/x", "a$HOME", "${HOME}", ["a", {"b": "$x"}], {"a": ["~"]}])
def test_modules_find_nothing_to_replace_in_what_is_allowed(value):
    with pytest.raises(LabError, match=r"lab_results_dir in r.yml, student 1 is .*~ and \$ are replaced by nothing"):
        of_a_file(Columns(trusted=False, allowed=["lab_results_dir"]), lab_results_dir=value)


@pytest.mark.parametrize(
    "path", ["/home/teacher/.kube/config", "../k", "k/../../k", "link/k", "~/k", "$HOME/k", "~root/k"]
)
def test_a_kubeconfig_of_a_file_is_below_its_folder(path, tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(LabError, match=r"kubeconfig in r\.yml, student 1 is"):
        of_a_file(folder=folder, kubeconfig=path)
    elsewhere = Columns(trusted=False, allowed=["kubeconfig"])
    if "$" in path or "~" in path:
        with pytest.raises(LabError, match="are replaced by nothing"):
            of_a_file(elsewhere, folder, kubeconfig=path)
    else:
        assert of_a_file(elsewhere, folder, kubeconfig=path).kubeconfig == os.path.normpath(folder / path)


@pytest.mark.parametrize("columns", [STRANGERS, Columns(trusted=False, allowed=["kubeconfig"])])
def test_a_kubeconfig_of_a_file_is_one_file(columns):
    """kubectl's rules make two of it, and the second would be the instructor's."""
    with pytest.raises(LabError, match="is several files for kubectl"):
        of_a_file(columns, kubeconfig="k/a:/home/teacher/.kube/config")


def test_a_kubeconfig_below_the_folder_of_the_roster(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "class").symlink_to("real")
    assert of_a_file(folder=tmp_path / "class", kubeconfig="./k/a").kubeconfig == f"{tmp_path}/class/k/a"
    assert of_a_file(folder=tmp_path / "class").kubeconfig == ""


@pytest.mark.parametrize("column", ["name", "namespace", "context", "kubeconfig"])
@pytest.mark.parametrize("value", ["a\x1b]0;x\x07b", "a\nCLASS: 9 done", "a\u202eb", "a\x00b", "a\ud800"])
def test_what_cannot_be_seen_is_no_place(column, value):
    with pytest.raises(LabError) as caught:
        of_a_file(**{column: value})
    assert caught.value.msg.isprintable()


@pytest.mark.parametrize(
    ("given", "roster", "message"),
    [
        ("lab_helm", [{"name": "a"}], "this class has none: take it out"),
        (["lab_helm"], None, "this class has none: take it out"),
        (["a-b"], "r.csv", "is not a list of columns"),
        ([7], "r.csv", "is not a list of columns"),
        ({"lab_helm": 1}, "r.csv", "is not a list of columns"),
        (["lab_kubeconfig"], "r.csv", "has lab_kubeconfig, which is worked out; the column is kubeconfig"),
    ],
)
def test_columns_are_allowed_by_their_names(given, roster, message):
    with pytest.raises(LabError, match=message):
        check_allowed(given, roster)
    assert check_allowed(None, None) == []
    assert check_allowed("lab_window", "r.csv") == ["lab_window"]
    assert check_allowed(["lab_window", "kubeconfig"], "r.csv") == ["lab_window", "kubeconfig"]


def test_a_file_of_a_roster_has_limits(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(LabError, match=r"r\.csv is larger than 8 MiB"):
        read_roster(path, "r.csv")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(LabError, match=r"r\.csv is not a regular file"):
        read_roster(path, "r.csv")
    with pytest.raises(LabError, match=r"cannot be read \(No such file or directory\)"):
        read_roster(tmp_path / "no", "no")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name\n" + "a\n" * (MOST_STUDENTS + 1), "r.csv has more than 20,000 students"),
        ("name" + ",x" * MOST_COLUMNS + "\n", "r.csv:1 has 201 cells, and 200 are read"),
        ("name\na" + "," * MOST_COLUMNS + "x\n", "r.csv:2 has 201 cells"),
        (f"name,x\na,{'x' * (LONGEST_CELL + 1)}\n", "r.csv:2 has a cell of 4,001 characters"),
        (f'name,x\na,"{"x" * 200_000}"\n', "r.csv:2 is not CSV: field larger than field limit"),
    ],
)
def test_a_table_has_limits(content, message):
    with pytest.raises(LabError, match=message):
        values(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 200_000, "The roster r.yml is nested deeper than 64 levels"),
        (b"- name: a\n  b: !vault x\n", "The roster r.yml is not YAML, .*!vault"),
        (b"- name: a\n- b\n", "r.yml:2 is not a mapping"),
        (b"a: b\n", "The roster r.yml is no list of students"),
        (b"- {" + b", ".join(b"k%d: 1" % n for n in range(MOST_COLUMNS + 1)) + b"}\n", "r.yml:1 has 201 keys"),
    ],
)
def test_yaml_of_others_is_read_within_limits(content, message):
    with pytest.raises(LabError, match=message):
        read_yaml_rows("r.yml", content)


def test_a_student_in_yaml_has_the_place_of_their_line():
    rows = read_yaml_rows("r.yml", b"# class\n- name: anna\n  seat: 7\n\n- {name: ben}\n")
    assert [(row.place, row.values) for row in rows] == [
        ("r.yml:2", {"name": "anna", "seat": 7}),
        ("r.yml:5", {"name": "ben"}),
    ]
    assert read_yaml_rows("r.yml", b"# nobody\n") == []


def test_a_roster_in_json():
    rows = read_json_rows("r.json", BOM + b'[{"name": "\\ud842\\udfb7"}]')
    assert [(row.place, row.values) for row in rows] == [("r.json, student 1", {"name": "\U00020bb7"})]
    for content in (b"[" * 200_000, b"[" * 500 + b"]" * 500, b"no", b"", b"null"):
        with pytest.raises(LabError, match=r"r.json is not JSON, or is nested too deeply"):
            read_json_rows("r.json", content)


# --- a folder, ranges ----------------------------------------------------------------------------


def test_a_folder_holds_a_student_in_each_kubeconfig(tmp_path):
    counted = ["ben.kubeconfig", "anna.yaml", "anna-2.yml", "c.d.conf", "e.config", "Zoe.kubeconfig"]
    others = ["ben.kubeconfig~", "ben.kubeconfig.bak", "f.kubeconfig.lock", "#g.yaml#", "README.md", "h"]
    for name in [*counted, *others, ".i.kubeconfig"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.yaml").mkdir()
    students, left_out = students_of_folder(tmp_path)
    assert [one.name for one in students] == ["Zoe", "anna", "anna-2", "ben", "c.d", "e"]
    assert students[0].kubeconfig == str(tmp_path / "Zoe.kubeconfig")
    assert sorted(left_out) == sorted(others)


def test_links_and_pipes_in_a_folder_are_no_students(tmp_path):
    folder = tmp_path / "kubeconfigs"
    folder.mkdir()
    (tmp_path / "instructor").touch()
    (folder / "anna.kubeconfig").touch()
    (folder / "mallory.kubeconfig").symlink_to("../instructor")
    (folder / "zero.kubeconfig").symlink_to("/dev/zero")
    (folder / "dangling.yaml").symlink_to("nowhere")
    os.mkfifo(folder / "oscar.kubeconfig")
    students, left_out = students_of_folder(folder)
    assert [one.name for one in students] == ["anna"]
    assert left_out == ["dangling.yaml", "mallory.kubeconfig", "oscar.kubeconfig", "zero.kubeconfig"]


def test_a_folder_without_students_says_so(tmp_path):
    with pytest.raises(LabError, match=r"holds no kubeconfig \(it is empty\): add one"):
        students_of_folder(tmp_path)
    (tmp_path / "anna.txt").touch()
    with pytest.raises(LabError, match=r"holds no kubeconfig \(none of its 1 files is one\)"):
        students_of_folder(tmp_path)
    with pytest.raises(LabError, match="cannot be read: No such file or directory"):
        students_of_folder(tmp_path / "no")
    with pytest.raises(LabError, match="cannot be read: Not a directory"):
        students_of_folder(tmp_path / "anna.txt")


def test_one_name_with_two_endings_is_told_with_both_files(tmp_path):
    for name in ("anna.yml", "anna.kubeconfig"):
        (tmp_path / name).touch()
    students, _left_out = students_of_folder(tmp_path)
    with pytest.raises(LabError, match=r"anna appears twice, in .*/anna.kubeconfig and .*/anna.yml"):
        check_students(students, Access())


def test_ranges_are_expanded_in_their_order():
    found = students_of_ranges(["b-[1:2]", "a"], lambda pattern: {"b-[1:2]": ["b-1", "b-2"]}.get(pattern, [pattern]))
    assert [(one.name, one.namespace) for one in found] == [("b-1", "b-1"), ("b-2", "b-2"), ("a", "a")]


def refuse(pattern: str) -> list[str]:
    raise ValueError("no end")


@pytest.mark.parametrize(
    ("given", "expand", "message"),
    [
        ("a-[3:1]", lambda _pattern: [], r"range 'a-\[3:1\]' in namespaces holds no names"),
        ("a-[1", refuse, r"range 'a-\[1' in namespaces cannot be read: no end; write one such as student-\[01:30\]"),
        ("", lambda pattern: [pattern], "holds no names"),
        (7, refuse, "neither a name nor a list of names"),
        ({"a": 1}, refuse, "neither a name nor a list of names"),
        # Nothing is expanded: that alone would fill the memory.
        ("a-[1:99999999]", pytest.fail, r"'a-\[1:99999999\]' .* a class has 20,000 students at most"),
        ("a-[01:999]-[:999:2]", pytest.fail, "a class has 20,000 students at most"),
        (["a-[1:20000]", "b"], lambda _pattern: ["a"] * 20_000, "'b' .* a class has 20,000 students at most"),
        ("a-[1:" + "9" * 5000 + "]", pytest.fail, "cannot be read"),
        (["a", 7], lambda pattern: [pattern], "name 2 in namespaces is not text"),
    ],
)
def test_what_is_no_range_is_told(given, expand, message):
    with pytest.raises(LabError, match=message):
        students_of_ranges(given, expand)


# --- the class -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("students", "access", "message"),
    [
        ([], Access(), "There are no students"),
        ([student("a", namespace="a"), student("a", namespace="b")], Access(), "a appears twice, in r.csv of a;"),
        ([student("-a")], Access(), "r.csv of -a: The student name '-a' cannot be a folder's name"),
        ([student("a/b")], Access(), "cannot be a folder's name"),
        ([student("all")], Access(), "student all .* has the name of a group"),
        ([student("a", namespace="A")], Access(), r"namespace 'A' of a \(r.csv of a\) cannot be one of Kubernetes"),
        ([student("a", namespace="a.b")], Access(), "cannot be one of Kubernetes"),
        ([student("a", namespace="a-")], Access(), "cannot be one of Kubernetes"),
        ([student("a", namespace="a" * 64)], Access(), "cannot be one of Kubernetes"),
        (
            [student("a", namespace="kube-system")],
            Access(),
            r"namespace kube-system of a .* is one of the cluster's own",
        ),
        ([student("a", namespace="openshift-a")], Access(), "openshift-a of a .* is one of the cluster's own"),
        ([student("Anna", namespace="a"), student("anna", namespace="b")], Access(), "results as Anna and anna, which"),
        ([student("a1", namespace="a"), student("ａ1", namespace="b")], Access(), "some file systems take for one"),
        ([student("localhost")], Access(), "localhost .* has the name of the machine that Ansible runs on"),
        ([student("127.0.0.1")], Access(), "has the name of the machine that Ansible runs on"),
        ([student("a", variables={"lab_student": ".."})], Access(), "'..' cannot be a folder's name"),
        ([student("a"), student("b", kubeconfig="/b", variables={"lab_student": "a"})], Access(), "results as a;"),
        ([student("a"), student("b", namespace="default")], Access(), r"a and b \(r.csv of a and r.csv of b\)"),
        ([student("a", kubeconfig="/k"), student("b")], Access("/k"), "are both in the namespace default of one"),
        ([student("a", context="c"), student("b")], Access("/k", "c"), "are both in the namespace default of one"),
        ([student("a", kubeconfig="/k/../k"), student("b", kubeconfig="/k")], Access(), "are both in the namespace"),
        ([student("a")], Access("/k/a.kubeconfig", "", "/k"), "would be written over the instructor's"),
        (
            [student("a", kubeconfig="/k/b.kubeconfig"), student("b", kubeconfig="/c")],
            Access("", "", "/k"),
            "The kubeconfig of b would be written over",
        ),
    ],
)
def test_what_cannot_be_a_class_is_told(students, access, message):
    with pytest.raises(LabError, match=message):
        check_students(students, access, groups={"all"})


def test_students_who_do_not_meet_are_a_class(tmp_path):
    check_students(
        [
            student("a", namespace="x"),
            student("b", namespace="y"),
            student("c", namespace="x", context="other"),
            student("d", namespace="x", kubeconfig="/d"),
            student("e", namespace="x", kubeconfig="/d", context="second"),
            student("f", namespace="a" * 63),
            student("0_jürgen@example.org"),
            student("g", variables={"lab_student": "{{ inventory_hostname }}"}, namespace="g"),
        ],
        Access("/k", "class", "/own"),
        groups={"all"},
    )


def test_a_link_to_the_same_kubeconfig_is_the_same_cluster(tmp_path):
    (tmp_path / "a.yaml").touch()
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    with pytest.raises(LabError, match=r"a and b .* of one cluster"):
        check_students([student(name, kubeconfig=str(tmp_path / f"{name}.yaml")) for name in "ab"], Access())


def test_namespaces_that_are_not_known_here_are_not_compared():
    two = [student("a"), student("b")]
    check_students(two, Access(), default_namespace=None)
    check_students(two, Access(), collisions=False)
    with pytest.raises(LabError, match="namespace temporal of one cluster"):
        check_students(two, Access(), default_namespace="temporal")


# --- variables -----------------------------------------------------------------------------------

CLASS = {"students_kubeconfig": "/k", "students_context": "c"}
OWN = {"students_kubeconfig": "/o", "students_context": ""}


@pytest.mark.parametrize(
    ("one", "access", "expected"),
    [
        (student("a"), Access(), {}),
        (student("a", namespace="n"), Access(), {"lab_namespace": "n"}),
        (student("a"), Access("/k", "c"), {"lab_kubeconfig": "/k", "lab_context": "c", **CLASS}),
        (student("a"), Access("", "c"), {"lab_kubeconfig": "", "lab_context": "c", **CLASS, "students_kubeconfig": ""}),
        (student("a", kubeconfig="/o"), Access("/k", "c"), {"lab_kubeconfig": "/o", "lab_context": "", **OWN}),
        (
            student("a", context="d"),
            Access("/k", "c"),
            {"lab_kubeconfig": "/k", "lab_context": "d", **CLASS, "students_context": "d"},
        ),
        (
            student("a"),
            Access("/k", "c", "/s"),
            {"lab_kubeconfig": "/s/a.kubeconfig", "lab_context": "", **CLASS},
        ),
        (
            student("a", kubeconfig="/o"),
            Access("/k", "c", "/s"),
            {"lab_kubeconfig": "/s/a.kubeconfig", "lab_context": "", **OWN},
        ),
        (student("a"), Access("", "", "/s"), {"lab_kubeconfig": "/s/a.kubeconfig", "lab_context": ""}),
    ],
)
def test_variables_of_a_host(one, access, expected):
    assert host_variables(one, access) == expected


# --- the source file -----------------------------------------------------------------------------


def test_an_unknown_key_is_told_with_the_nearest():
    known = ["context", "kubeconfig", "kubeconfigs", "namespaces", "roster"]
    check_keys(["roster", "context"], known)
    with pytest.raises(LabError, match=r"no key 'kubconfig' .* is kubeconfig meant"):
        check_keys(["roster", "kubconfig"], known)
    with pytest.raises(
        LabError, match=r"no key 'xyz' .* there are context, kubeconfig, kubeconfigs, namespaces, roster"
    ):
        check_keys(["xyz"], known)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "has none of them; add one"),
        ({"roster": None}, "has none of them; add one"),
        ({"roster": "r.csv", "namespaces": "a"}, "has roster and namespaces; keep one"),
    ],
)
def test_a_class_has_one_source(config, message):
    with pytest.raises(LabError, match=message):
        source(config)
    assert source({"roster": None, "namespaces": "a"}) == "namespaces"
    assert source({"roster": []}) == "roster"


def test_variables_of_the_group_have_names_of_variables():
    check_variables(["lab_window", "_x1"])
    with pytest.raises(LabError, match="has 'lab-window', which cannot be a variable's name"):
        check_variables(["lab-window"])


def test_text_is_text():
    assert (text("x", None), text("x", " a ")) == ("", "a")
    with pytest.raises(LabError, match="The context is not text"):
        text("context", True)


def test_no_path_is_no_path(monkeypatch):
    monkeypatch.delenv("LAB_NOWHERE", raising=False)
    assert expand_path("x", "", Path("/class")) == ""
    assert expand_path("x", ".", Path("/class")) == "/class"
    assert expand_path("x", "$LAB_NOWHERE/a", Path("/class")) == "/class/$LAB_NOWHERE/a"


def test_no_student_is_where_the_policies_hold_nobody():
    """The policies leave out accounts of the cluster itself by the beginning of their namespaces."""
    text = (ROOT / "files" / "admission" / "students.yaml").read_text()
    left_out = set(re.findall(r"startsWith\('system:serviceaccount:([\w-]+):?'\)", text))
    assert left_out
    for prefix in left_out:
        with pytest.raises(LabError, match="is one of the cluster's own"):
            check_students([student("a", namespace=f"{prefix}-x".replace("--", "-"))], Access())
