# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an API server denies a request, by its own words: a missing permission is only one reason, and has its own cure.

A policy, a quota or a namespace that goes away answers 403 or 422 as well, and asking for permissions does not help.
"""

from __future__ import annotations

import json
import re

#: What is looked at of another program's message.
LOOKED_AT = 65536

_NAME = r"[\"'`]?([\w./-]{1,100})[\"'`]?"
#: Words of an API server, and what to do; the first that fits counts.
_CURES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r'User "system:anonymous" cannot'),
        "the API server does not know who asks: get a kubeconfig whose credentials it accepts",
    ),
    (
        re.compile(r"attempting to grant RBAC permissions not currently held"),
        "who grants permissions must have them: ask the owner of the cluster for those that it lists",
    ),
    # By these words of RBAC it is a permission.
    (re.compile(r'User "[^"]*" cannot [a-z]'), ""),
    (
        re.compile(rf"failed calling webhook {_NAME}"),
        r"the cluster's webhook \1 does not answer: ask the owner of the cluster to mend it",
    ),
    (
        re.compile(rf"admission webhook {_NAME} denied"),
        r"this is a policy of the cluster and not a permission: meet it, or ask whoever runs \1 for an exception",
    ),
    (
        re.compile(rf"ValidatingAdmissionPolicy {_NAME}"),
        r"this is a policy of the cluster and not a permission: meet it, or ask the owner of \1 for an exception",
    ),
    (
        re.compile(rf"exceeded quota: {_NAME}"),
        r"the quota \1 of the namespace is used up: delete what is not needed, or ask its owner for more",
    ),
    (
        re.compile(rf"failed quota: {_NAME}"),
        r"the quota \1 needs each container to say what it lists: ask the owner of the namespace for default limits",
    ),
    (
        re.compile(r"violates PodSecurity"),
        "the namespace's Pod Security level is too strict for this pod: ask its owner for the level baseline",
    ),
    (
        re.compile(r"\b(?:maximum|minimum) (?:\S+ ){1,3}usage per (?:Container|Pod|PersistentVolumeClaim)"),
        "the namespace's LimitRange does not allow that size: request another one, or ask its owner",
    ),
    (
        re.compile(r"because it is being terminated"),
        "the namespace is being deleted: wait until it is gone, and run it again",
    ),
    (
        re.compile(r"denied by admission control"),
        "the cluster allows nobody to use that, with any permission: leave it out",
    ),
)
#: How kubernetes.core tells of a failed helm.
_HELM = re.compile(r"\s*Failure when executing Helm command\. Exited (\d+)\.\s*stdout:.*?\bstderr:(.*)", re.DOTALL)


def denial_cure(said: str) -> str:
    """What cures a denial, by the API server's words; empty where they mean a permission or nothing that is known."""
    for words, cure in _CURES:
        found = words.search(said[:LOOKED_AT])
        if found:
            return found.expand(cure)
    return ""


def told_plainly(message: str) -> str:
    """Another program's message, with the words of an API server in place of the JSON that it answered.

    kubernetes.core repeats the whole Status object, and what helm shows before its error. It is still text of others,
    to be made plain.
    """
    text = message[:LOOKED_AT]
    helm = _HELM.match(text)
    if helm and helm[2].strip():
        said = helm[2].strip()
        return f"helm failed ({helm[1]}): {_with_cure(said)}"
    start = text.find('{"kind"')
    if start < 0:
        return message
    body = text[start:]
    if text[:start].endswith("b'"):
        # Python's own way to write bytes.
        start -= 2
        body = body.replace("\\'", "'").replace("\\\\", "\\")
    try:
        status, _end = json.JSONDecoder().raw_decode(body)
    except (ValueError, RecursionError):
        return message
    said = status.get("message")
    if status.get("kind") != "Status" or not isinstance(said, str) or not said:
        return message
    code = status.get("code")
    before = text[:start].rstrip(" :")
    number = f" ({code})" if isinstance(code, int) and not isinstance(code, bool) else ""
    return f"{before}{number}: {_with_cure(said)}"


def _with_cure(said: str) -> str:
    cure = denial_cure(said)
    return f"{said}; {cure}" if cure else said
