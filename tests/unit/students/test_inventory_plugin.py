# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin students as Ansible's own programs load it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, run_ansible

PLUGIN = "temporal_lab.benchmarking.students"
FATAL = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}


def write(place: Path, config: dict[str, Any], name: str = "class.students.yml") -> Path:
    """A source file; JSON is YAML."""
    path = place / name
    path.write_text(json.dumps({"plugin": PLUGIN, **config}, indent=1), encoding="utf-8")
    return path


def listed(place: Path, config: dict[str, Any], **settings: str) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """The groups with their hosts in order, and the variables of the hosts."""
    done = run_ansible("ansible-inventory", place, "-i", write(place, config), "--list", **FATAL, **settings)
    assert (done.returncode, done.stderr) == (0, "")
    groups = json.loads(done.stdout)
    hosts = groups.pop("_meta")["hostvars"]
    return {name: group.get("hosts", []) for name, group in groups.items()}, hosts


def refused(place: Path, sources: Sequence[Path]) -> str:
    """What the user sees of source files in error, all of them in one run; only one without an error has hosts."""
    good = write(place, {"roster": [{"name": "good"}]}, "good.students.yml")
    done = run_ansible("ansible-inventory", place, *chain(*(("-i", path) for path in [*sources, good])), "--list")
    assert list(json.loads(done.stdout)["_meta"]["hostvars"]) == ["good"]
    assert "Traceback" not in done.stderr
    return done.stderr


def play(place: Path, source: Path, tasks: list[dict[str, Any]], *arguments: str) -> str:
    playbook = place / "playbook.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    done = run_ansible("ansible-playbook", place, "-i", source, playbook, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stderr
    return done.stdout


def test_a_class_file_of_another_name_says_which_one_it_needs(tmp_path: Path) -> None:
    other = write(tmp_path, {"namespaces": "student-[01:03]"}, "class.yml")
    plain = tmp_path / "second.yaml"
    plain.write_text(f"# our class\n---\nplugin: {PLUGIN}\nnamespaces: student-[01:03]\n")
    said = " ".join(refused(tmp_path, [other, plain]).split())
    assert "class.yml does not: rename it to class.students.yml." in said
    assert "second.yaml does not: rename it to second.students.yml." in said


def test_a_file_of_another_plugin_is_none_of_its_business(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.yml"
    hosts.write_text("all: {hosts: {ann: {}}}\n")
    settings = {"ANSIBLE_INVENTORY_ENABLED": f"{PLUGIN},yaml"}
    done = run_ansible("ansible-inventory", tmp_path, "-i", hosts, "--list", **FATAL, **settings)
    assert (done.returncode, done.stderr) == (0, "")


def test_namespaces_of_one_cluster(tmp_path):
    groups, hosts = listed(
        tmp_path,
        {
            "namespaces": ["team-[b:c]", "student-[08:10]", "guest"],
            "kubeconfig": "~/class.kubeconfig",
            "context": "class",
            "student_kubeconfigs": "$OWN/kubeconfigs",
            "group": "fall",
            "vars": {"lab_window": "{{ 1 + 1 }}m"},
        },
        OWN="own",
    )
    names = ["team-b", "team-c", "student-08", "student-09", "student-10", "guest"]
    assert groups == {"all": [], "fall": names}
    assert hosts["student-08"] == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "lab_context": "",
        "lab_kubeconfig": f"{tmp_path}/own/kubeconfigs/student-08.kubeconfig",
        "lab_namespace": "student-08",
        "lab_window": "{{ 1 + 1 }}m",
        "students_context": "class",
        "students_kubeconfig": f"{tmp_path}/class.kubeconfig",
    }


def test_a_folder_of_kubeconfigs(tmp_path):
    (tmp_path / "clusters").mkdir()
    for name in ("ben.yaml", "anna.kubeconfig", "anna.kubeconfig~", ".hidden.yaml"):
        (tmp_path / "clusters" / name).touch()
    groups, hosts = listed(tmp_path, {"kubeconfigs": "clusters", "vars": {"lab_namespace": "temporal"}})
    assert groups["students"] == ["anna", "ben"]
    assert hosts["anna"]["lab_kubeconfig"] == hosts["anna"]["students_kubeconfig"]
    assert hosts["anna"]["lab_kubeconfig"] == f"{tmp_path}/clusters/anna.kubeconfig"
    assert hosts["anna"]["lab_namespace"] == "temporal"


def test_a_vaulted_table_in_another_folder_with_constructed_variables_and_groups(tmp_path):
    (tmp_path / "office").mkdir()
    roster = tmp_path / "office" / "roster.csv"
    roster.write_bytes(b"\xef\xbb\xbfname;kubeconfig;seat;E-Mail\r\nben;b.yaml;02;b@x\r\nanna;../a.yaml;11;a@x\r\n")
    (tmp_path / "password").write_text("secret", encoding="utf-8")
    password = {"ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "password")}
    assert run_ansible("ansible-vault", tmp_path, "encrypt", roster, **password).returncode == 0
    assert roster.read_bytes().startswith(b"$ANSIBLE_VAULT")
    config = {
        "roster": "office/roster.csv",
        "columns": ["kubeconfig"],
        "compose": {"seat": "seat | int", "seat_text": "seat"},
        "groups": {"front": "seat | int < 10"},
        "keyed_groups": [{"key": "lab_kubeconfig | basename | splitext | first", "prefix": "cluster"}],
        "strict": True,
    }
    groups, hosts = listed(tmp_path, config, **password)
    assert groups["students"] == ["ben", "anna"]
    assert (groups["front"], groups["cluster_a"], groups["cluster_b"]) == (["ben"], ["anna"], ["ben"])
    assert (hosts["ben"]["seat"], hosts["anna"]["lab_kubeconfig"]) == (2, f"{tmp_path}/a.yaml")
    assert hosts["ben"]["lab_kubeconfig"] == f"{tmp_path}/office/b.yaml"
    assert "E-Mail" not in hosts["ben"]
    shown = run_ansible(
        "ansible-inventory", tmp_path, "-i", tmp_path / "class.students.yml", "--list", "-v", **password
    )
    assert "left out of the class: 'E-Mail'" in shown.stdout + shown.stderr


def test_text_of_a_roster_is_no_template_and_the_rest_is(tmp_path):
    """A real run: a roster's text may come from a student."""
    roster = [{"name": "anna", "note": "{{ lookup('pipe', 'touch hacked') }}", "plain": "a@b.c", "list": ["{{ 1 }}"]}]
    (tmp_path / "roster.yml").write_text(json.dumps(roster), encoding="utf-8")
    source = write(tmp_path, {"roster": "roster.yml", "vars": {"two": "{{ 1 + 1 }}"}})
    facts = "{{ [two, plain, ansible_python_interpreter == ansible_playbook_python, note, list] | to_json }}"
    tasks = [
        {"ansible.builtin.ping": None},
        {"ansible.builtin.copy": {"content": facts, "dest": str(tmp_path / "seen"), "mode": "0600"}},
    ]
    assert "ok=2 " in play(tmp_path, source, tasks)
    seen = json.loads((tmp_path / "seen").read_text(encoding="utf-8"))
    assert seen == [2, "a@b.c", True, roster[0]["note"], ["{{ 1 }}"]]
    assert not (tmp_path / "hacked").exists()


def test_a_roster_in_the_source_file_may_hold_templates_and_change_the_connection(tmp_path):
    students = [{"name": "anna", "two": "{{ 1 + 1 }}"}, {"name": "ben", "context": "b", "ansible_connection": "ssh"}]
    source = write(tmp_path, {"roster": students, "vars": {"ansible_python_interpreter": "{{ python }}"}})
    facts = "{{ [two, ansible_connection, hostvars.ben.ansible_connection] | to_json }}"
    tasks = [{"ansible.builtin.debug": {"msg": facts}, "when": "two is defined"}]
    assert '[2, \\"local\\", \\"ssh\\"]' in play(tmp_path, source, tasks)
    shown = run_ansible("ansible-inventory", tmp_path, "-i", source, "--host", "anna")
    assert json.loads(shown.stdout)["ansible_python_interpreter"] == "{{ python }}"


def test_slices_of_300_are_in_the_order_of_the_roster(tmp_path):
    names = [f"s-{number * 7 % 300}" for number in range(300)]
    (tmp_path / "roster.csv").write_text(
        "name,namespace\n" + "".join(f"{name},{name}\n" for name in names), encoding="utf-8"
    )
    source = write(tmp_path, {"roster": "roster.csv"})
    tasks = [
        {
            "ansible.builtin.copy": {
                "content": "{{ ansible_play_hosts_all | to_json }}",
                "dest": str(tmp_path / "seen"),
                "mode": "0600",
            },
            "run_once": True,
        }
    ]
    for limit, expected in (("students[0:149]", names[:150]), ("students[150:299]", names[150:])):
        play(tmp_path, source, tasks, "--limit", limit)
        assert json.loads((tmp_path / "seen").read_text(encoding="utf-8")) == expected


def test_an_error_is_one_sentence_with_its_place(tmp_path):
    (tmp_path / "collide.yml").write_text("- name: anna\n  namespace: a\n- name: ben\n  namespace: a\n")
    (tmp_path / "no.yml").write_text("- name: [\n")
    typo = tmp_path / "typo.students.yml"
    typo.write_text(f"plugin: {PLUGIN}\nnamespaces: a\nkubeconfg: x\n")
    collide = write(tmp_path, {"roster": "collide.yml"}, "collide.students.yml")
    no_yaml = write(tmp_path, {"roster": "no.yml"}, "no.students.yml")
    seen = refused(tmp_path, [typo, collide, no_yaml])
    for message, origin in (
        ("There is no key 'kubeconfg' in an inventory of students; is kubeconfig meant?\n", f"{typo}:3:1\n"),
        (
            "The students anna and ben (collide.yml:1 and collide.yml:3) are both in the namespace "
            "a of one cluster, where their releases would collide; give each a namespace.\n",
            None,
        ),
        ("The roster no.yml is not YAML, ", None),
    ):
        assert message in seen
        assert origin is None or f"Origin: {origin}" in seen


def test_what_a_row_would_decide_is_refused_and_nothing_of_it_happens(tmp_path):
    """A row may be a student's: no program, no connection, no file or variable of the instructor's."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n", encoding="utf-8")
    trap.chmod(0o755)
    rows = {
        "program": {"ansible_python_interpreter": str(trap)},
        "connection": {"ansible_connection": "ssh", "ansible_ssh_executable": str(trap)},
        "helm": {"lab_helm": str(trap)},
        "place": {"report_dest": str(tmp_path)},
        "server": {"measure_prometheus_url": "http://127.0.0.1:1"},
        "home": {"kubeconfig": "~/.kube/config"},
        "secret": {"kubeconfig": "$SECRET_PLACE/k"},
        "elsewhere": {"kubeconfig": "../k"},
        "vault": {"note": "no vault"},
    }
    sources = []
    for name, row in rows.items():
        text = json.dumps([{"name": "anna", **row}])
        if name == "vault":
            text = "- name: anna\n  note: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    3132\n"
        (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
        sources.append(write(tmp_path, {"roster": f"{name}.yml"}, f"{name}.students.yml"))
    good = write(tmp_path, {"roster": [{"name": "good"}]}, "good.students.yml")
    play_file = tmp_path / "playbook.yml"
    tasks = [{"ansible.builtin.ping": None}]
    # Ansible's other plugins make hosts of the source files that this one refuses.
    play_file.write_text(json.dumps([{"hosts": "students", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    given = chain(*(("-i", path) for path in [*sources, good]))
    done = run_ansible("ansible-playbook", tmp_path, *given, play_file, SECRET_PLACE="where-it-is")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout + done.stderr
    assert "anna" not in done.stdout
    assert "where-it-is" not in shown
    assert not (tmp_path / "sprung").exists()
    assert "vault.yml is not YAML, could not determine a constructor for the tag '!vault'" in shown
    for name in ("program", "connection", "helm", "place", "server"):
        assert f"{name}.yml:1 sets '{next(iter(rows[name]))}'" in shown


def test_a_folder_of_inventories_with_files_of_students_is_refused(tmp_path):
    """Ansible runs an executable file below it as a program, and takes variables from any YAML."""
    folder = tmp_path / "inventory"
    (folder / "kubeconfigs").mkdir(parents=True)
    program = folder / "kubeconfigs" / "anna.kubeconfig"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\necho '{{}}'\n", encoding="utf-8")
    program.chmod(0o755)
    source = write(folder, {"kubeconfigs": "kubeconfigs"})
    done = run_ansible("ansible-inventory", tmp_path, "-i", folder, "--list", **FATAL)
    assert done.returncode == 1
    assert f"give the file {source} with -i instead" in done.stderr
    assert not (tmp_path / "sprung").exists()
    done = run_ansible("ansible-inventory", tmp_path, "-i", source, "--list", **FATAL)
    assert (done.returncode, list(json.loads(done.stdout)["_meta"]["hostvars"])) == (0, ["anna"])
    # Without files of others a folder is fine.
    (tmp_path / "own").mkdir()
    write(tmp_path / "own", {"namespaces": "anna"})
    write(tmp_path / "own", {"kubeconfigs": "../inventory/kubeconfigs", "group": "b"}, "b.students.yml")
    done = run_ansible("ansible-inventory", tmp_path, "-i", tmp_path / "own", "--list", **FATAL)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "sprung").exists()


def test_a_column_that_the_inventory_allows_is_set_and_is_no_template(tmp_path):
    (tmp_path / "k").mkdir()
    (tmp_path / "roster.csv").write_text(
        "name;lab_window;seat;port;kubeconfig\nanna;{{ 7 * 7 }};{{ 8 * 8 }};80;k/a\n", encoding="utf-8"
    )
    config = {"roster": "roster.csv", "vars": {"seat": 1}, "columns": ["lab_window", "seat"]}
    facts = "{{ [lab_window, seat, port is defined, lab_kubeconfig] | to_json }}"
    tasks = [{"ansible.builtin.copy": {"content": facts, "dest": str(tmp_path / "seen"), "mode": "0600"}}]
    play(tmp_path, write(tmp_path, config), tasks)
    seen = json.loads((tmp_path / "seen").read_text(encoding="utf-8"))
    assert seen == ["{{ 7 * 7 }}", "{{ 8 * 8 }}", False, f"{tmp_path}/k/a"]


ERRORS = [
    ({"namespaces": "a-[3:1]"}, "The range 'a-[3:1]' in namespaces holds no names; write one such as"),
    ({"namespaces": "b-[01:3]"}, "'b-[01:3]' in namespaces cannot be read: host range must specify equal-length begin"),
    ({"namespaces": "c-[1"}, "'c-[1' in namespaces cannot be read: it is not [begin:end] or [begin:end:step]; write"),
    ({"roster": "no.csv"}, "/no.csv; correct the key roster."),
    ({"roster": "roster.txt"}, "/roster.txt ends in none of .csv, .yml, .yaml and .json; rename it."),
    ({"kubeconfigs": "no"}, "/no cannot be read: No such file or directory; correct the key kubeconfigs."),
    ({"namespaces": "students"}, "The student students (namespaces students) has the name of a group;"),
    ({"namespaces": "a", "vars": {"a-b": 1}}, "The key vars has 'a-b', which cannot be a variable's name;"),
    ({"namespaces": "a", "vars": 5}, "Invalid value provided for 'dict': 5"),
    # what it has added before is taken away: half a class is worse than none
    ({"namespaces": ["a", "b"], "compose": {"x": "{'a': 1}[inventory_hostname]"}, "strict": True}, "x for host b: "),
]


def test_errors_of_the_source_file(tmp_path):
    (tmp_path / "roster.txt").touch()
    sources = [write(tmp_path, config, f"{number}.students.yml") for number, (config, _text) in enumerate(ERRORS)]
    seen = refused(tmp_path, sources)
    assert [sentence for _config, sentence in ERRORS if sentence not in seen] == []


def test_the_name_of_a_source_file_says_what_it_is(tmp_path):
    sources = [write(tmp_path, {"roster": [{"name": name}]}, name) for name in ("a.students.yaml", "b.yml")]
    done = run_ansible("ansible-inventory", tmp_path, "-i", sources[0], "-i", sources[1], "--list")
    assert list(json.loads(done.stdout)["_meta"]["hostvars"]) == ["a.students.yaml"]
    assert "b.yml does not: rename it to b.students.yml." in " ".join(done.stderr.split())


def test_the_example_and_the_settings_of_the_project(tmp_path):
    example = ROOT / "inventory" / "class.students.yml"
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = run_ansible("ansible-inventory", tmp_path, "-i", example, "--graph", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert "@students:\n  |  |--student-01\n  |  |--student-02\n  |  |--student-03\n" in done.stdout
    done = run_ansible("ansible-inventory", tmp_path, "-i", write(tmp_path, {}), "--list", **settings)
    assert done.returncode == 1
    # What the plugin says is the last before Ansible's own end.
    assert "has none of them; add one.\nOrigin: <inventory plugin 'auto'" in done.stderr.partition("with 'auto'")[2]
    assert done.stderr.count("[WARNING]", done.stderr.index("has none of them")) == 0


def test_the_documentation_is_complete(tmp_path):
    done = run_ansible("ansible-doc", tmp_path, "-t", "inventory", "--json", PLUGIN)
    assert done.returncode == 0, done.stderr
    known = json.loads(done.stdout)[PLUGIN]
    assert {"roster", "kubeconfigs", "namespaces", "student_kubeconfigs", "compose", "strict"} <= set(
        known["doc"]["options"]
    )
    assert known["examples"].count(f"plugin: {PLUGIN}") == 4
