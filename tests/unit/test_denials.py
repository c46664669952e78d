# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an API server denies something: only sometimes for want of a permission."""

from __future__ import annotations

import json

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.denials import denial_cure, told_plainly
from hypothesis import given
from hypothesis import strategies as st

QUOTA = "exceeded quota: student, requested: pods=1, used: pods=30, limited: pods=30"
WEBHOOK = 'admission webhook "owners.example.org" denied the request: [owner] label owner is missing'


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        (WEBHOOK, "a policy of the cluster and not a permission: meet it, or ask whoever runs owners.example.org"),
        (
            "ValidatingAdmissionPolicy 'temporal-lab-students' with binding 'b' denied request: no externalIPs",
            "meet it, or ask the owner of temporal-lab-students",
        ),
        (QUOTA, "the quota student of the namespace is used up"),
        ("failed quota: student: must specify limits.memory for: history", "the quota student needs each container"),
        ('violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false', "Pod Security level"),
        ("maximum memory usage per Container is 1Gi, but limit is 2Gi", "LimitRange does not allow that size"),
        ("minimum cpu usage per Pod is 1, but request is 100m", "LimitRange does not allow that size"),
        ("unable to create new content in namespace ann because it is being terminated", "wait until it is gone"),
        ("Use of external IPs is denied by admission control.", "with any permission"),
        ('failed calling webhook "owners.example.org": connection refused', "owners.example.org does not answer"),
        ('user "ann" (groups=[]) is attempting to grant RBAC permissions not currently held:\n{}', "must have them"),
        ('User "system:anonymous" cannot get path "/api/v1"', "does not know who asks"),
        # What it is about may be named like a policy.
        ('User "ann" cannot get resource "pods" in the namespace "exceeded quota: x"', None),
        ("no more than that", None),
        ("", None),
    ],
)
def test_the_cure_is_that_of_the_reason(said: str, cure: str | None) -> None:
    found = denial_cure(said)
    assert found == "" if cure is None else cure in found


def status(message: object, code: object = 403) -> dict[str, object]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


def test_what_kubernetes_core_repeats_becomes_a_sentence() -> None:
    answer = json.dumps(status(f'deployments.apps "x" is forbidden: {QUOTA}'))
    for text in (answer, f"b'{answer}\\n'"):
        told = told_plainly(f"Failed to create object: {text}")
        assert told.startswith(
            'Failed to create object (403): deployments.apps "x" is forbidden: exceeded quota: student,'
        )
        assert told.endswith("or ask its owner for more")
    escaped = repr(json.dumps(status(WEBHOOK)).encode())
    assert told_plainly(f"Failed to delete object: {escaped}").startswith(f"Failed to delete object (403): {WEBHOOK}; ")


def test_of_a_failed_helm_its_error_is_told() -> None:
    message = (
        "Failure when executing Helm command. Exited 1.\nstdout: Release does not exist.\nstderr: Error: no room\n"
    )
    assert told_plainly(message) == "helm failed (1): Error: no room"
    assert "is used up" in told_plainly(message.replace("no room", QUOTA))
    silent = "Failure when executing Helm command. Exited 1.\nstdout: \nstderr: \n"
    assert told_plainly(silent) == silent


@pytest.mark.parametrize(
    "message",
    [
        "nothing of that kind",
        'Failed: {"kind": "Status"',
        'Failed: {"kind": "Pod", "message": "x"}',
        'Failed: {"kind": "Status", "message": 5}',
        'Failed: {"kind": ' + "[" * 100_000,
    ],
)
def test_any_other_message_stays_as_it_is(message: str) -> None:
    assert told_plainly(message) == message


@given(st.text() | st.text().map(lambda text: f"Failed: {json.dumps(status(text))}"))
def test_any_text_can_be_told(text: str) -> None:
    assert isinstance(told_plainly(text), str)
    assert isinstance(denial_cure(text), str)
