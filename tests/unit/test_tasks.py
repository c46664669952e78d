# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module is a task, run by one action; and what an action does with errors and with other hosts."""

from __future__ import annotations

import importlib
import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible.plugins.action import ActionBase
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils import task as tasks
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.authorization import basic, bearer
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context, Params, Result, Task
from ansible_collections.temporal_lab.benchmarking.plugins.plugin_utils import action as action_file
from ansible_collections.temporal_lab.benchmarking.plugins.plugin_utils.action import LabAction, find_task

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = "ansible_collections.temporal_lab.benchmarking.plugins"
NAMES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
#: Tasks that a user may want on a bastion: they need a cluster, Prometheus or Grafana, and no file of the control node.
ANYWHERE = {
    "deployment_rollout",
    "grafana_annotations",
    "grafana_dashboard",
    "grafana_datasource",
    "grafana_folder",
    "grafana_service_account",
    "prometheus_info",
    "prometheus_preflight",
    "prometheus_sample",
    "temporal_cluster_info",
    "temporal_shards",
}


def task_of(name: str) -> Task:
    found: Task = importlib.import_module(f"{COLLECTION}.modules.{name}").TASK
    return found


# -- each module, its task and its action -----------------------------------


def test_the_action_of_every_module_is_one_file() -> None:
    files = sorted((PLUGINS / "action").glob("*.py"))
    assert [path.stem for path in files] == NAMES
    assert len({path.read_text() for path in files}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_an_action_does_the_task_of_its_module(name: str) -> None:
    action = importlib.import_module(f"{COLLECTION}.action.{name}").ActionModule
    assert issubclass(action, LabAction)
    assert action.task is task_of(name)
    assert importlib.import_module(action.task.run.__module__).__name__.endswith(f".{name}")


def test_where_tasks_run() -> None:
    assert {name for name in NAMES if task_of(name).elsewhere is not None} == ANYWHERE


def test_a_file_that_is_no_task_is_not_found() -> None:
    with pytest.raises(LookupError, match=r"no_such_task\.py stands in 0 rooms"):
        find_task("no_such_task")


# -- errors -----------------------------------------------------------------


def failing(error: BaseException) -> Callable[[Params, Context], Result]:
    def run(params: Params, context: Context) -> Result:
        raise error

    return run


SPEC = {"password": {"type": "str", "no_log": True}, "names": {"type": "list", "elements": "str", "default": []}}


def test_an_error_that_a_task_foresees_is_its_sentence() -> None:
    traces: list[str] = []
    result = tasks.attempt(Task(SPEC, failing(LabError("No.", pods=["a"]))), {}, Context(), traces.append)
    assert result == {"failed": True, "msg": "No.", "pods": ["a"]}
    assert traces == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lab_run", {"results_dir": "", "student": "a"}),
        ("lab_run", {"results_dir": "", "student": "a", "run": "r"}),
        ("lab_predict", {"results_dir": "", "student": "a"}),
        ("lab_reanalyse", {"results_dir": "", "student": "a"}),
        ("lab_report", {"results_dir": "", "student": "a"}),
        ("lab_report", {"results_dir": "", "student": "a", "run": "r"}),
        ("lab_report", {"results_dir": ".", "student": "a", "questions": ""}),
        ("lab_class", {"results_dirs": [""]}),
        ("lab_compare", {"results_dir": "", "student": "a", "base": "b", "other": "c"}),
        ("lab_compare", {"results_dir": ".", "student": "a", "base": "", "other": ""}),
        ("prometheus_info", {"url": "http://127.0.0.1:1", "ca_path": ""}),
        ("prometheus_info", {"kubeconfig": ""}),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_path_that_cannot_be_looked_at_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: Params, check_mode: bool
) -> None:
    """The system refuses to look at a name that is too long, as at one below a folder of somebody else."""
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / ("x" * 300))
    given = {option: path if value == "" else [path] if value == [""] else value for option, value in options.items()}
    task = task_of(name)
    checked = ArgumentSpecValidator(task.spec).validate(given)
    assert checked.error_messages == []
    result = tasks.attempt(task, checked.validated_parameters, Context(check_mode=check_mode), print)
    assert result["failed"]
    assert "unexpected" not in result["msg"]
    assert "x" * 30 in result["msg"]


def test_an_unforeseen_error_is_one_sentence_and_shows_no_secret() -> None:
    traces: list[str] = []
    error = KeyError("hunter2 \x1b[31mat\nspec " + "x" * 1000)
    task = Task(SPEC, failing(error))
    result = tasks.attempt(task, {"password": "hunter2", "names": []}, Context(), traces.append)
    assert result.keys() == {"failed", "msg"}
    assert "KeyError" in result["msg"]
    assert tasks.ISSUES in result["msg"]
    assert "-vvv" in result["msg"]
    assert result["msg"].isprintable()
    assert len(result["msg"]) < 600
    assert "failing" not in result["msg"]
    assert len(traces) == 1
    assert "Traceback" in traces[0]
    assert "hunter2" not in result["msg"] + traces[0]


def test_a_foreseen_error_shows_no_secret_and_stays_on_its_line() -> None:
    """Neither those of the options, nor those that were sent, nor those that only the context knows."""

    def run(params: Params, context: Context) -> Result:
        sent = bearer("token-of-the-kubeconfig")
        raise LabError(f"No: {sent},\nCLASS: 5 done, hunter2\x1b[2J, db-secret.", log=["hunter2\x07", "db-secret"])

    shown: list[str] = []
    context = Context(show=shown.append, secrets=lambda: ["db-secret"])
    result = tasks.attempt(Task(SPEC, run), {"password": "hunter2", "names": []}, context, shown.append)
    assert result == {
        "failed": True,
        "msg": "No: Bearer ********, CLASS: 5 done, ******** [2J, ********.",
        "log": ["******** ", "********"],
    }
    assert shown == []


def test_what_a_task_shows_holds_no_secret_and_no_control_characters() -> None:
    def run(params: Params, context: Context) -> Result:
        basic("admin", "grafana-password")
        context.show("one hunter2\x1b]0;title\x07\ntwo YWRtaW46Z3JhZmFuYS1wYXNzd29yZA==\rthree")
        context.show_lines(["class report", "ann\nCLASS: hunter2\x85"])
        return {"msg": "ok"}

    shown: list[str] = []
    tasks.attempt(Task(SPEC, run), {"password": "hunter2", "names": []}, Context(show=shown.append), shown.append)
    assert shown == ["one ******** ]0;title  two ******** three", "class report\nann CLASS: ******** "]


def test_texts_of_an_option() -> None:
    value = {"a": ["one", 2, {"b": "three"}], "c": None, "d": True}
    assert list(tasks.texts(value)) == ["one", "2", "three"]


def test_a_module_that_ends_unforeseen_fails_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with patch_module_args({"password": "hunter2"}), pytest.raises(SystemExit):
        tasks.run_module(Task(SPEC, failing(ZeroDivisionError("hunter2"))))
    written = capsys.readouterr().out
    result = json.loads(written)
    assert result["failed"] is True
    assert "ZeroDivisionError" in result["msg"]
    assert "exception" not in result
    assert "hunter2" not in json.dumps({**result, "invocation": None})


# -- the action -------------------------------------------------------------


class Part:
    """What an action is made with, as far as LabAction looks: its task and its connection."""

    def __init__(self, transport: str = "local", **args: Any) -> None:
        self.transport = transport
        self.action = "temporal_lab.benchmarking.lab_run"
        self.args = args
        self.check_mode = self.diff = False


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[..., LabAction]:
    """Makes an action without Ansible's executor; one that runs a module returns the arguments that it sent."""

    def make(task: Task, transport: str, **args: Any) -> LabAction:
        plugin: LabAction = object.__new__(type("ActionModule", (LabAction,), {"task": task}))
        plugin._task = plugin._connection = Part(transport, **args)
        plugin._templar = types.SimpleNamespace(template=str)
        return plugin

    monkeypatch.setattr(ActionBase, "run", lambda self, tmp, task_vars: {})
    monkeypatch.setattr(ActionBase, "_execute_module", lambda self, task_vars: {"sent": self._task.args})
    monkeypatch.setattr(ActionBase, "validate_argument_spec", lambda self, spec, **more: (None, self._task.args))
    return make


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError("deep"), SystemExit("deep")], ids=repr)
def test_an_unforeseen_error_ends_only_its_host(
    made: Callable[..., LabAction], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(action_file.display, "vvv", shown.append)
    result = made(Task(SPEC, failing(error)), "local").run()
    assert result["failed"] is True
    assert f"{type(error).__name__} (deep)" in result["msg"]
    assert "Traceback" not in result["msg"]
    assert ["Traceback" in text for text in shown] == [True]


def test_a_task_of_the_control_node_says_so_on_another_host(made: Callable[..., LabAction]) -> None:
    ran: list[Params] = []

    def run(params: Params, context: Context) -> Result:
        ran.append(params)
        return {"changed": True}

    result = made(Task(SPEC, run), "ssh").run(task_vars={"inventory_hostname": "student-07"})
    assert result["failed"] is True
    for fact in ("lab_run", "control node", "student-07", "ssh", "delegate_to: localhost"):
        assert fact in result["msg"]
    assert ran == []
    assert made(Task(SPEC, run), "local").run() == {"changed": True}


def test_a_task_for_another_host_takes_along_what_the_control_node_has(made: Callable[..., LabAction]) -> None:
    for name in ("prometheus_sample", "prometheus_preflight"):
        task = task_of(name)
        text = profile_file.default_path().read_text()
        assert made(task, "ssh", window=5).run() == {"sent": {"window": 5, "profile_content": text}}
        given = {"profile": "/no/such.yml", "profile_content": "given"}
        assert made(task, "ssh", **given).run() == {"sent": given}
        result = made(task, "ssh", profile="/no/such.yml").run()
        assert result["failed"] is True
        assert "There is no profile /no/such.yml" in result["msg"]
    for name in ANYWHERE - {"prometheus_sample", "prometheus_preflight"}:
        assert made(task_of(name), "ssh", x=1).run() == {"sent": {"x": 1}}


# -- documentation ----------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_documentation_says_where_a_module_runs(name: str) -> None:
    text = importlib.import_module(f"{COLLECTION}.modules.{name}").DOCUMENTATION
    fragments = yaml.safe_load(text)["extends_documentation_fragment"]
    where = "anywhere" if name in ANYWHERE else "control_node"
    assert [one for one in fragments if ".attributes." in one] == [f"temporal_lab.benchmarking.attributes.{where}"]
