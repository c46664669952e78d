# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import os
import stat
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students import student_kubeconfig
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.issued_kubeconfig import (
    IssuedKubeconfig,
    ends_soon,
    kubeconfig,
    shared_cluster,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    TOKEN,
    Answer,
    Asked,
    Pki,
    ScriptedApi,
    Task,
    status,
    write_kubeconfig,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook

NAMESPACE = "student-01"
REQUESTS = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/student/token"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
FIRST, SECOND = "the-first-students-token", "the-second-students-token"
DAY = 86400
COLLECTION = "ansible_collections.temporal_lab.benchmarking.plugins"


def stamp(in_seconds: float) -> str:
    return f"{datetime.fromtimestamp(time.time() + in_seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def issue(api: ScriptedApi, *tokens: str, lifetime: float = 30 * DAY) -> None:
    """Have the API server make these tokens, one after another."""
    answers = [{"status": {"token": token, "expirationTimestamp": stamp(lifetime)}} for token in tokens]
    api.on("POST", REQUESTS, *answers)


def accept(api: ScriptedApi, *tokens: str, account: str = "student") -> None:
    """Have the API server accept these tokens and no others."""

    def review(asked: Asked) -> Answer:
        user = {"username": f"system:serviceaccount:{NAMESPACE}:{account}"}
        good = asked.body["spec"]["token"] in tokens
        return Answer({"status": {"authenticated": True, "user": user} if good else {"error": "no"}}, 201)

    api.on("POST", REVIEWS, review)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kubeconfigs" / "student-01.kubeconfig"


def write(task: Task, path: Path, **options: Any) -> dict[str, Any]:
    result = task(student_kubeconfig, namespace=NAMESPACE, path=str(path), **options)
    for secret in (FIRST, SECOND, TOKEN):
        assert secret not in json.dumps(result) + "".join(task.lines)
    return result


@pytest.fixture
def written(api: ScriptedApi, task: Task, path: Path) -> Path:
    """The student's file with the first token, which is accepted; the next one that is made is the second."""
    issue(api, FIRST)
    write(task, path)
    accept(api, FIRST, SECOND)
    issue(api, SECOND)
    api.asked.clear()
    return path


def token_in(path: Path) -> str:
    return yaml.safe_load(path.read_text())["users"][0]["user"]["token"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def edit(path: Path, change: Any) -> None:
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def left_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# -- writing ----------------------------------------------------------------


def test_the_file_leads_the_student_to_the_own_namespace(api: ScriptedApi, task: Task, path: Path) -> None:
    issue(api, FIRST, lifetime=DAY)
    result = write(task, path, diff=True)
    assert (result["changed"], result["state"], result["namespace"]) == (True, "created", NAMESPACE)
    assert result["expires"] == stamp(DAY) or result["expires"] == stamp(DAY - 1)
    assert result["diff"]["before"] == {}
    assert (result["diff"]["after"]["server"], result["diff"]["after"]["mode"]) == (api.url, "0600")
    (asked,) = api.asked
    assert asked.body["spec"] == {"expirationSeconds": 30 * DAY}
    assert (mode(path), mode(path.parent), left_in(path.parent)) == (0o600, 0o700, [path.name])
    assert TOKEN not in path.read_text()
    content = yaml.safe_load(path.read_text())
    assert content["contexts"] == [
        {"name": NAMESPACE, "context": {"cluster": NAMESPACE, "user": NAMESPACE, "namespace": NAMESPACE}}
    ]
    # As the student's stages read it.
    api.on("GET", "/version", {})
    with Cluster.connect(str(path)) as cluster:
        cluster.request("GET", "/version")
    assert api.asked[-1].headers["Authorization"] == f"Bearer {FIRST}"


def test_an_address_that_leads_nowhere_from_another_machine_is_told(api: ScriptedApi, task: Task, path: Path) -> None:
    issue(api, FIRST, lifetime=DAY)
    (told,) = write(task, path)["warnings"]
    assert api.url in told
    assert "students_server" in told
    other = path.with_name("other")
    assert "warnings" not in write(task, other, server="https://k.example:6443")


def test_options(api: ScriptedApi, task: Task, path: Path) -> None:
    api.on(
        "POST",
        REQUESTS.replace("student/token", "robot/token"),
        {"status": {"token": FIRST, "expirationTimestamp": stamp(600)}},
    )
    options = {"account": "robot", "name": "lab", "server": "https://lab.example.org", "token_lifetime": 700}
    result = write(task, path, **options, token_renew=60)
    assert (result["account"], result["server"]) == ("robot", "https://lab.example.org")
    assert api.asked[0].body["spec"] == {"expirationSeconds": 700}
    content = yaml.safe_load(path.read_text())
    assert content["current-context"] == content["contexts"][0]["name"] == "lab"
    assert content["clusters"][0]["cluster"]["server"] == "https://lab.example.org"


def test_while_its_token_is_accepted_the_file_stays(api: ScriptedApi, task: Task, written: Path) -> None:
    before = written.read_bytes(), written.stat().st_ino
    result = write(task, written, diff=True)
    assert (result["changed"], result["state"], result["reason"]) == (False, "kept", "")
    assert result["diff"]["before"] == result["diff"]["after"]
    assert (written.read_bytes(), written.stat().st_ino) == before
    assert [asked.body["spec"]["token"] for asked in api.asked] == [FIRST]


def test_check_mode_writes_nothing(api: ScriptedApi, task: Task, path: Path) -> None:
    result = write(task, path, check=True, diff=True)
    assert (result["changed"], result["state"], result["expires"]) == (True, "created", "")
    assert not path.parent.exists()
    assert api.asked == []


def test_check_mode_renews_nothing(api: ScriptedApi, task: Task, written: Path) -> None:
    accept(api)
    result = write(task, written, check=True)
    assert (result["changed"], result["state"]) == (True, "renewed")
    assert token_in(written) == FIRST
    assert api.calls() == [f"POST {REVIEWS}"]


# -- renewing ---------------------------------------------------------------


def test_a_revoked_token_is_renewed(api: ScriptedApi, task: Task, written: Path) -> None:
    accept(api, SECOND)
    result = write(task, written, diff=True)
    assert (result["state"], result["reason"]) == ("renewed", "the API server rejects its token")
    assert (token_in(written), mode(written), left_in(written.parent)) == (SECOND, 0o600, [written.name])
    assert write(task, written)["changed"] is False


def test_a_token_of_another_account_is_renewed(api: ScriptedApi, task: Task, written: Path) -> None:
    accept(api, FIRST, account="default")
    assert write(task, written)["reason"] == "its token belongs to a different account"
    assert token_in(written) == SECOND


def test_a_file_without_a_token_gets_one(api: ScriptedApi, task: Task, written: Path) -> None:
    edit(written, lambda content: content["users"][0]["user"].pop("token"))
    assert write(task, written)["reason"] == "it has no token"
    assert token_in(written) == SECOND


def test_a_token_that_ends_soon_is_renewed_unasked(api: ScriptedApi, task: Task, written: Path) -> None:
    def age(content: Any) -> None:
        content["extensions"][0]["extension"].update(issued=stamp(-25 * DAY), expires=stamp(5 * DAY))

    edit(written, age)
    assert write(task, written, token_renew=4 * DAY)["state"] == "kept"
    api.asked.clear()
    assert write(task, written)["reason"].startswith("its token ends in 4")
    assert api.calls() == [f"POST {REQUESTS}"]
    assert token_in(written) == SECOND


@pytest.mark.parametrize(
    ("issued", "expires", "renew", "left"),
    [
        (-20 * DAY, 10 * DAY, 7 * DAY, None),
        (-24 * DAY, 6 * DAY, 7 * DAY, 6 * DAY),
        (-40 * DAY, -10 * DAY, 7 * DAY, 0.0),
        # The API server gave an hour instead of a month.
        (-600, 3000, 7 * DAY, None),
        (-2400, 1200, 7 * DAY, 1200),
        (-2400, 1200, 60, None),
        (None, 6 * DAY, 7 * DAY, 6 * DAY),
        (-600, None, 7 * DAY, 0.0),
    ],
)
def test_what_is_soon(issued: float | None, expires: float | None, renew: float, left: float | None) -> None:
    note = {
        name: None if value is None else datetime.fromtimestamp(1e9 + value, timezone.utc).isoformat()
        for name, value in (("issued", issued), ("expires", expires))
    }
    assert ends_soon(note, renew, 1e9) == left


def test_what_the_note_says_is_not_believed_blindly() -> None:
    assert ends_soon({"issued": "yesterday", "expires": "never"}, 60, 1e9) == 0.0


# -- the same token, another file -------------------------------------------


def test_others_may_not_read_it(task: Task, written: Path) -> None:
    written.chmod(0o644)
    result = write(task, written, diff=True)
    assert (result["state"], result["reason"]) == ("rewritten", "its mode is 0644")
    assert (result["diff"]["before"]["mode"], result["diff"]["after"]["mode"]) == ("0644", "0600")
    assert (mode(written), token_in(written)) == (0o600, FIRST)


def test_a_cluster_that_moved_keeps_the_token(task: Task, written: Path) -> None:
    result = write(task, written, server="https://lab.example.org", diff=True)
    assert (result["state"], result["diff"]["after"]["server"]) == ("rewritten", "https://lab.example.org")
    assert token_in(written) == FIRST


# -- what is not ours -------------------------------------------------------


def test_a_kubeconfig_of_the_student_is_left_alone(api: ScriptedApi, task: Task, tmp_path: Path) -> None:
    mine = write_kubeconfig(tmp_path / "mine", "https://other.example.org")
    before = mine.read_bytes(), mode(mine)
    for state in ("present", "absent"):
        with pytest.raises(LabError, match=rf"The file {mine} is not a kubeconfig that the lab made") as caught:
            write(task, mine, state=state)
        assert TOKEN not in caught.value.msg
    assert (mine.read_bytes(), mode(mine)) == before
    assert api.asked == []


@pytest.mark.parametrize("content", [b"", b"a: [", b"\0\xff\xfe", b"- a", b"extensions: 5", b"extensions: [{name: 1}]"])
def test_any_other_file_is_left_alone(task: Task, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    with pytest.raises(LabError, match="is not a kubeconfig that the lab made, and is left as it is"):
        write(task, other)
    assert other.read_bytes() == content


def test_a_pipe_is_left_alone(task: Task, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(LabError, match="is not a regular file"):
        write(task, pipe)


def test_the_file_of_another_namespace_is_left_alone(task: Task, written: Path) -> None:
    for state in ("present", "absent"):
        with pytest.raises(LabError, match="is the kubeconfig of namespace student-01, not of student-02"):
            task(student_kubeconfig, namespace="student-02", path=str(written), state=state)
    assert token_in(written) == FIRST


def test_of_a_link_the_file_behind_is_written(api: ScriptedApi, task: Task, written: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(written)
    accept(api)
    assert write(task, link)["path"] == str(written)
    assert link.is_symlink()
    assert token_in(written) == SECOND


# -- two at once ------------------------------------------------------------


def test_of_two_first_runs_at_once_both_end_with_one_file(api: ScriptedApi, task: Task, path: Path) -> None:
    accept(api, FIRST, SECOND)

    def other_run_first(_asked: Asked) -> Answer:
        issue(api, FIRST)
        write(task, path)
        return Answer({"status": {"token": SECOND, "expirationTimestamp": stamp(30 * DAY)}})

    api.on("POST", REQUESTS, other_run_first)
    assert write(task, path)["state"] == "kept"
    assert (token_in(path), left_in(path.parent)) == (FIRST, [path.name])


def test_of_two_renewals_at_once_one_stays(api: ScriptedApi, task: Task, written: Path) -> None:
    accept(api, SECOND, "a-third")

    def other_run_first(_asked: Asked) -> Answer:
        issue(api, SECOND)
        write(task, written)
        return Answer({"status": {"token": "a-third", "expirationTimestamp": stamp(30 * DAY)}})

    api.on("POST", REQUESTS, other_run_first)
    assert write(task, written)["state"] == "kept"
    assert (token_in(written), left_in(written.parent)) == (SECOND, [written.name])


def test_a_file_that_comes_meanwhile_is_left_alone(api: ScriptedApi, task: Task, path: Path) -> None:
    def student_first(_asked: Asked) -> Answer:
        path.parent.mkdir()
        write_kubeconfig(path, "https://other.example.org")
        return Answer({"status": {"token": FIRST, "expirationTimestamp": stamp(DAY)}})

    api.on("POST", REQUESTS, student_first)
    with pytest.raises(LabError, match="is not a kubeconfig that the lab made"):
        write(task, path)
    assert (token_in(path), left_in(path.parent)) == (TOKEN, [path.name])


# -- removing ---------------------------------------------------------------


def test_the_file_goes_once(api: ScriptedApi, task: Task, written: Path) -> None:
    assert write(task, written, state="absent", check=True)["state"] == "removed"
    assert written.exists()
    result = write(task, written, state="absent", diff=True)
    assert (result["changed"], result["state"], result["diff"]["after"]) == (True, "removed", {})
    assert left_in(written.parent) == []
    result = write(task, written, state="absent")
    assert (result["changed"], result["state"]) == (False, "none")
    assert api.asked == []


# -- what goes wrong --------------------------------------------------------


def test_without_the_account(api: ScriptedApi, task: Task, path: Path) -> None:
    api.on("POST", REQUESTS, status(404, 'serviceaccounts "student" not found', "NotFound"))
    with pytest.raises(LabError, match="There is no ServiceAccount student in namespace student-01"):
        write(task, path)
    assert not path.exists()


@pytest.mark.parametrize("answer", [{}, {"status": {"token": FIRST}}, {"status": {"expirationTimestamp": stamp(DAY)}}])
def test_an_answer_without_token_or_expiry(api: ScriptedApi, task: Task, path: Path, answer: Any) -> None:
    api.on("POST", REQUESTS, answer)
    with pytest.raises(LabError, match="was answered without a token or its expiry") as caught:
        write(task, path)
    assert FIRST not in caught.value.msg


def test_a_review_that_is_refused(api: ScriptedApi, task: Task, written: Path) -> None:
    api.on("POST", REVIEWS, status(403, 'x is forbidden: User "jane" cannot create resource "tokenreviews"'))
    with pytest.raises(LabError, match='User "jane" cannot create resource "tokenreviews"') as caught:
        write(task, written)
    assert FIRST not in caught.value.msg
    assert token_in(written) == FIRST


def test_a_folder_that_is_none(api: ScriptedApi, task: Task, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match=r"cannot be read \(Not a directory\): correct `path`"):
        write(task, tmp_path / "file" / "student")
    assert api.asked == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"token_lifetime": 599, "token_renew": 1}, "no token for less than 600 s"),
        ({"token_lifetime": 7 * DAY}, "must be less than `token_lifetime`"),
        ({"token_renew": -1}, "not negative"),
    ],
)
def test_options_that_make_no_sense(task: Task, path: Path, options: dict[str, int], said: str) -> None:
    with pytest.raises(LabError, match=said):
        write(task, path, **options)


def test_no_path(task: Task) -> None:
    with pytest.raises(LabError, match=r"not the path of a file: give the path of the student's own kubeconfig"):
        task(student_kubeconfig, namespace=NAMESPACE, path="")


# -- what the student gets of the instructor's cluster ----------------------


def target_of(path: Path) -> Any:
    return Cluster.connect(str(path)).target


def test_the_authority_is_copied_into_the_file(tmp_path: Path, pki: Pki) -> None:
    (tmp_path / "ca.pem").write_bytes(b"A note.\n" + pki.ca.read_bytes())
    config = write_kubeconfig(tmp_path / "k", "http://a", cluster={"certificate-authority": "ca.pem"})
    copied = base64.b64decode(shared_cluster(target_of(config))["certificate-authority-data"])
    # The certificates of the file, and nothing else that is in it.
    assert copied.split() == pki.ca.read_bytes().split()


def test_a_proxy_without_its_password(tmp_path: Path) -> None:
    cluster = {
        "proxy-url": "http://jane:secret@proxy.example.org:3128",
        "tls-server-name": "api.example.org",
        "insecure-skip-tls-verify": True,
        "extensions": [{"name": "provider"}],
    }
    config = write_kubeconfig(tmp_path / "k", "http://a", cluster=cluster)
    del cluster["extensions"]
    assert shared_cluster(target_of(config)) == {
        **cluster,
        "server": "http://a",
        "proxy-url": "http://proxy.example.org:3128",
    }


def test_of_several_clusters_that_of_the_context(tmp_path: Path) -> None:
    first = write_kubeconfig(tmp_path / "a", "http://a")
    second = tmp_path / "b"
    second.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "d", "cluster": {"server": "http://d"}}],
                "contexts": [{"name": "more", "context": {"cluster": "d", "user": "u"}}],
            }
        )
    )
    target = Cluster.connect(f"{first}{os.pathsep}{second}", "more").target
    assert shared_cluster(target) == {"server": "http://d"}


def test_a_kubeconfig_does_not_show_its_token() -> None:
    made = kubeconfig("a", {"server": "https://a"}, "a", FIRST, {})
    assert made.token == FIRST
    assert FIRST not in repr(made) + json.dumps(made.view())
    assert IssuedKubeconfig({"users": "x", "extensions": [5]}).token == ""


# -- as Ansible runs it -----------------------------------------------------


def test_the_role_and_no_secret_in_what_it_shows(
    api: ScriptedApi, instructor: Path, path: Path, tmp_path: Path
) -> None:
    """Text of Ansible's is of a type of its own, which not everything can write into a file."""
    issue(api, FIRST)
    accept(api, FIRST)
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    api.on("GET", slices, {"items": [{"endpoints": [{"addresses": ["192.0.2.1"]}]}]})
    made: dict[str, Any] = {}

    def apply(asked: Asked) -> Answer:
        made[asked.path] = asked.body
        api.on("GET", asked.path, asked.body)
        folder = asked.path.rpartition("/")[0]
        api.on("GET", folder, {"items": [body for known, body in made.items() if known.rpartition("/")[0] == folder]})
        return Answer(asked.body)

    namespace = f"/api/v1/namespaces/{NAMESPACE}"
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
    api.on("PATCH", namespace, apply)
    for one in (
        f"{namespace}/resourcequotas",
        f"{namespace}/limitranges",
        f"{namespace}/serviceaccounts",
        f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies",
        f"{rbac}/roles",
        f"{rbac}/rolebindings",
    ):
        api.on("PATCH", f"{one}/student", apply)
    api.on("PATCH", f"{namespace}/resourcequotas/student-priority", apply)
    for one in ("services", "secrets"):
        api.on("GET", f"{namespace}/{one}", {"items": []})
    variables = {
        "ansible_python_interpreter": sys.executable,
        "students_kubeconfig": str(instructor),
        "lab_namespace": NAMESPACE,
        "lab_kubeconfig": str(path),
        "lab_student": "Ada",
    }
    role = {"name": "temporal_lab.benchmarking.students"}
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(
        json.dumps(
            [{"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.import_role": role}] * 2}]
        )
    )
    done = run_playbook(tmp_path, "localhost,", "-vvvv", "--diff", "-e", json.dumps(variables), str(playbook))
    assert done.returncode == 0, done.stdout + done.stderr
    # The second time nothing changes. Each time Ansible checks the role's arguments as well, which is a task.
    assert "ok=6    changed=2 " in done.stdout
    assert made[namespace]["metadata"]["annotations"] == {"temporal-lab/student": "Ada"}
    assert token_in(path) == FIRST
    for secret in (FIRST, TOKEN):
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize("cluster", [True, "text", ["server"], None])
def test_what_is_shown_of_a_file_whose_cluster_is_no_mapping(cluster: Any) -> None:
    shown = IssuedKubeconfig({"clusters": [{"name": "a", "cluster": cluster}]}).view()
    assert (shown["server"], shown["authority"]) == (None, None)
