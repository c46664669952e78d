# SPDX-License-Identifier: GPL-3.0-or-later
"""Task grafana_datasource: a data source of Grafana, such as the Prometheus of one student."""

from __future__ import annotations

from typing import Any

from ..errors import LabError
from ..http.errors import RequestFailed
from ..task import Context, Params, Result, Task, as_given
from .client import Grafana
from .connect import GRAFANA, connect_admin
from .connect import VALIDATION as CONNECTION
from .dashboard_file import check_uid
from .json_values import Json

SPEC: dict[str, Any] = {
    **GRAFANA,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "uid": {"type": "str", "required": True},
    "name": {"type": "str"},
    "type": {"type": "str", "default": "prometheus"},
    "address": {"type": "str"},
    "default": {"type": "bool"},
    "basic_user": {"type": "str"},
    "basic_password": {"type": "str", "no_log": True},
    "bearer_token": {"type": "str", "no_log": True},
    "ca_certificate": {"type": "str"},
    "json_data": {"type": "dict", "default": {}},
    "renew_secrets": {"type": "bool", "default": False, "no_log": False},
}
VALIDATION: dict[str, Any] = {
    **CONNECTION,
    "mutually_exclusive": [*CONNECTION["mutually_exclusive"], ("basic_user", "bearer_token")],
    "required_together": [*CONNECTION["required_together"], ("basic_user", "basic_password")],
    "required_if": [("state", "present", ("address",))],
}
#: The header that carries a token, by Grafana's names for its first header.
HEADER, HEADER_VALUE = "httpHeaderName1", "httpHeaderValue1"


def run(params: Params, context: Context) -> Result:
    """Create, change or delete a data source. Raises LabError.

    Returns ``uid``, ``name`` (None without one), ``created`` and ``changed_fields``.
    """
    uid = params["uid"]
    check_uid(uid, "the option `uid`")
    with connect_admin(params) as grafana:
        found = grafana.datasource(uid)
        if params["state"] == "absent":
            return _absent(context, grafana, uid, found)
        return _present(params, context, grafana, found)


def _present(params: Params, context: Context, grafana: Grafana, found: Json | None) -> Result:
    uid = params["uid"]
    fields, secrets = wanted(params), secrets_of(params)
    if found is not None:
        _refuse_provisioned(grafana, uid, found)
    differing = changed_fields(fields, secrets, found, params["renew_secrets"])
    if differing and not context.check_mode:
        # What Grafana has beside what is asked for stays: a person may have set it.
        kept: Json = (
            {key: found[key] for key in ("basicAuth", "basicAuthUser", "isDefault") if key in found} if found else {}
        )
        options = {**(found or {}).get("jsonData", {}), **fields["jsonData"]}
        body: Json = {**kept, **fields, "uid": uid, "access": "proxy", "jsonData": options}
        if secrets:
            body["secureJsonData"] = secrets
        _save(grafana, uid, body, found is None)
    result: Result = {
        "changed": bool(differing),
        "uid": uid,
        "name": fields["name"],
        "created": found is None,
        "changed_fields": [] if found is None else differing,
    }
    if context.diff:
        before = None if found is None else _view(found, fields)
        result["diff"] = {"before": before, "after": {**_view(fields, fields), "secrets": sorted(secrets)}}
    return result


def wanted(params: Params) -> Json:
    """The fields that a data source must have, as Grafana calls them; secrets are not among them."""
    options: Json = dict(params["json_data"])
    fields: Json = {"name": params["name"] or params["uid"], "type": params["type"], "url": params["address"]}
    if params["default"] is not None:
        fields["isDefault"] = params["default"]
    if params["basic_user"] is not None:
        fields |= {"basicAuth": True, "basicAuthUser": params["basic_user"]}
    if params["bearer_token"] is not None:
        options[HEADER] = "Authorization"
    if params["ca_certificate"] is not None:
        options["tlsAuthWithCACert"] = True
    return {**fields, "jsonData": options}


def secrets_of(params: Params) -> dict[str, str]:
    """What is kept encrypted in Grafana, and never comes back."""
    found = {
        "basicAuthPassword": params["basic_password"],
        HEADER_VALUE: None if params["bearer_token"] is None else f"Bearer {params['bearer_token']}",
        "tlsCACert": params["ca_certificate"],
    }
    return {name: value for name, value in found.items() if value is not None}


def changed_fields(fields: Json, secrets: dict[str, str], found: Json | None, renew: bool) -> list[str]:
    """What saving changes, by Grafana's names; of a new one, all fields.

    A secret that Grafana has is the same one, as nobody can see it. renew: write it again nevertheless.
    """
    if found is None:
        return sorted(fields)
    there, options = found.get("secureJsonFields") or {}, found.get("jsonData") or {}
    plain = [key for key, value in fields.items() if key != "jsonData" and found.get(key) != value]
    inner = [f"jsonData.{key}" for key, value in fields["jsonData"].items() if options.get(key) != value]
    return sorted([*plain, *inner, *(name for name in secrets if renew or not there.get(name))])


def _save(grafana: Grafana, uid: str, body: Json, new: bool) -> None:
    try:
        if new:
            grafana.create_datasource(body)
        else:
            grafana.update_datasource(uid, body)
    except RequestFailed as error:
        if error.status != 409:
            raise
        raise LabError(
            f"Another data source in Grafana at {grafana.address} is called {body['name']} (409): choose another "
            f"`name`, or give that one's `uid`.",
            **error.details,
        ) from None


def _refuse_provisioned(grafana: Grafana, uid: str, found: Json) -> None:
    if found.get("readOnly"):
        raise LabError(
            f"The data source {uid} of Grafana at {grafana.address} is provisioned from a file there and cannot be "
            f"changed: change that file, or choose another `uid`."
        )


def _view(source: Json, fields: Json) -> Json:
    """What is shown of a data source: the fields that are asked for."""
    options = source.get("jsonData") or {}
    view = {key: source.get(key) for key in fields if key != "jsonData"}
    view |= {"jsonData": {key: options.get(key) for key in fields["jsonData"]}}
    return {**view, "secrets": sorted(source.get("secureJsonFields") or {})}


def _absent(context: Context, grafana: Grafana, uid: str, found: Json | None) -> Result:
    if found is not None:
        _refuse_provisioned(grafana, uid, found)
        if not context.check_mode:
            grafana.delete_datasource(uid)
    result: Result = {"changed": found is not None, "uid": uid, "name": None, "created": False, "changed_fields": []}
    if context.diff:
        name = None if found is None else found.get("name")
        result["diff"] = {"before": {"name": name}, "after": {"name": None}}
    return result


TASK = Task(SPEC, run, VALIDATION, elsewhere=as_given)
