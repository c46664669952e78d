# SPDX-License-Identifier: GPL-3.0-or-later
"""Task grafana_service_account: an account in Grafana for the lab's tasks, and a token of it that is kept."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ..errors import LabError
from ..http.authorization import TokenDamaged, bearer
from ..http.errors import RequestFailed
from ..task import Context, Params, Result, Task, as_given
from .client import Grafana, Json
from .connect import (
    GRAFANA,
    TOKEN,
    VALIDATION,
    connect_admin_and_store,
)
from .token_store import StoreChanged, Token, TokenStore

SPEC: dict[str, Any] = {
    **GRAFANA,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "default": "temporal-lab"},
    "role": {"type": "str", "choices": ["Viewer", "Editor", "Admin"], "default": "Editor"},
    "disabled": {"type": "bool", "default": False},
    # Ansible takes their names for those of secrets; they are seconds.
    "token_lifetime": {"type": "int", "default": 30 * 86400, "no_log": False},
    "token_renew": {"type": "int", "default": 86400, "no_log": False},
}

#: Seconds: a little more than Grafana caches the identity of a token.
IDENTITY_CACHE = 5.5
#: How often a token is created again because someone else has kept another one meanwhile.
ROUNDS = 3
#: Characters of an account's name: that of a token is longer, and Grafana accepts 190.
LONGEST = 150


@dataclass(frozen=True)
class KeptToken:
    """The token that is kept. why: the reason to replace it, empty if there is none."""

    token: Token | None
    why: str
    expires: str = ""


def run(params: Params, context: Context) -> Result:
    """Create or remove the account and its token. Raises LabError.

    Returns account (id, name, login, role, disabled), or null without one, and token (state, name, expires, place).
    """
    _validate(params)
    with connect_admin_and_store(params) as (grafana, store):
        if params["state"] == "absent":
            return _absent(params, context, grafana, store)
        return _Present(params, context, grafana, store).run()


class _Present:
    def __init__(self, params: Params, context: Context, grafana: Grafana, store: TokenStore) -> None:
        self.name: str = params["name"]
        self.wanted = {"role": params["role"], "isDisabled": params["disabled"]}
        self.lifetime: int = params["token_lifetime"]
        self.renew: int = params["token_renew"]
        self.context = context
        self.grafana = grafana
        self.store = store
        self.warnings: list[str] = []

    def run(self) -> Result:
        # First, so that nothing is created when the token cannot be kept.
        found = self._stored()
        account = self.grafana.find_account(self.name)
        before = {"account": account_view(account), "token": _token_view(found)}
        created = account is None
        changes = {} if account is None else _changes(account, self.wanted)
        if self.context.check_mode:
            account = {**(account or {"name": self.name}), **self.wanted}
        else:
            account, changes = self._account(account, changes)
        token, state = self._token(account, created, found)
        after = {"account": account_view(account), "token": _token_view(token)}
        result: Result = {
            "changed": created or bool(changes) or state in ("created", "renewed"),
            "account": after["account"],
            "token": {"state": state, "place": self.store.place, **(after["token"] or {"name": "", "expires": ""})},
        }
        if self.warnings:
            result["warnings"] = self.warnings
        if self.context.diff:
            result["diff"] = {"before": before, "after": after}
        return result

    # -- the account --------------------------------------------------------

    def _account(self, account: Json | None, changes: Json) -> tuple[Json, Json]:
        """The account as it should be, and what was changed in one that existed."""
        if account is None:
            account = self._create()
            # Somebody else may have created it just now with other fields, or this Grafana may ignore a field.
            changes = _changes(account, self.wanted)
        if changes:
            self.grafana.update_account(account["id"], changes)
            if account.get("tokens"):
                self.context.show(
                    f"waiting {IDENTITY_CACHE:.0f} s for Grafana to notice the change of account {self.name}"
                )
                self.grafana.pause(IDENTITY_CACHE)
        return {**account, **changes}, changes

    def _create(self) -> Json:
        try:
            return self.grafana.create_account(self.name, self.wanted["role"], self.wanted["isDisabled"])
        except RequestFailed as error:
            if error.status != 409 and not error.code.endswith("ErrAlreadyExists"):
                raise
            failure = error
        # Somebody else was faster.
        account = self.grafana.find_account(self.name)
        if account is None:
            raise LabError(
                f"{failure.msg} There is no account named exactly {self.name}, but one whose name Grafana considers "
                f"the same, such as in capitals: give its exact name, or choose another.",
                **failure.details,
            )
        return account

    # -- the token ----------------------------------------------------------

    def _stored(self) -> Token | None:
        """The token that is kept. Raises LabError if it is one of another account that must stay."""
        found = self.store.read()
        self.store.check_account(found, self.name)
        return found

    def _token(self, account: Json, created: bool, found: Token | None) -> tuple[Token | None, str]:
        """The token that is kept in the end, and its state: kept, created, renewed or none."""
        if self.wanted["isDisabled"]:
            # Grafana accepts no token of it, so none could be tried. The kept one stays for later.
            return found, "none" if found is None else "kept"
        for round_ in range(ROUNDS):
            kept = self._judge(account, found)
            if not kept.why:
                token = kept.token
                return Token("", token.account, token.name, kept.expires) if token else None, "kept"
            state = "created" if found is None else "renewed"
            if self.context.check_mode:
                self.context.show(f"would create a token of account {self.name}: {kept.why}")
                return Token("", self.name, "a new one", self._expires()), state
            self.context.show(f"creating a token of account {self.name}: {kept.why}")
            try:
                return self._mint(account, created, found), state
            except StoreChanged:
                # Somebody else has kept another one, which is as good as ours if Grafana accepts it.
                if round_ == ROUNDS - 1:
                    raise
                found = self._stored()
        raise AssertionError("unreachable")

    def _judge(self, account: Json, found: Token | None) -> KeptToken:
        """Try the kept token on Grafana."""
        if found is None:
            return KeptToken(None, "no token is stored")
        if "id" not in account:
            return KeptToken(found, "the account is new")
        try:
            user = self.grafana.as_user(bearer(found.key, TOKEN)).user()
        except RequestFailed as error:
            if error.status != 401:
                raise
            return KeptToken(found, "Grafana rejected the stored token (401)")
        except TokenDamaged:
            return KeptToken(found, "the stored token is damaged")
        if not belongs(user, account):
            return KeptToken(found, "the stored token belongs to a different account")
        left, expires = self._left(account, found)
        if left is not None and left <= self.renew:
            return KeptToken(found, f"the stored token expires in {max(0, left):.0f} s")
        return KeptToken(found, "", expires)

    def _left(self, account: Json, found: Token) -> tuple[float | None, str]:
        """The seconds that the kept token has left, None for ever, and when it expires."""
        for token in self.grafana.tokens(account["id"]):
            if token.get("name") == found.name:
                expires = str(token.get("expiration") or "")
                return seconds_left(token, _now()), expires
        # Grafana lists none of that name: only what was kept with it is known.
        at = _time(found.expires)
        return (None if at is None else (at - _now()).total_seconds()), found.expires

    def _mint(self, account: Json, created: bool, found: Token | None) -> Token:
        """Create a token, keep it, and delete older ones of this task. Raises StoreChanged and other LabErrors."""
        name = f"{self.name}-{_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"

        def create() -> Json:
            return self.grafana.create_token(account["id"], name, self.lifetime)

        # Grafana has just permitted us to create the account. If it refuses a token, its permission cache is old.
        made = self.grafana.patient_403(create, show=self.context.show) if created else create()
        token = Token(str(made["key"]), self.name, name, self._expires())
        stored = False
        try:
            self.store.write(token, found)
            stored = True
        except StoreChanged:
            # Perhaps by ourselves, if the answer to the first try was lost.
            now = self.store.read()
            stored = now is not None and now.name == name
            if not stored:
                raise
        finally:
            if not stored:
                self._give_up(account, made)
        elsewhere = False
        for older in self.grafana.tokens(account["id"]):
            if is_ours(str(older.get("name")), self.name) and older["id"] < made["id"]:
                self.grafana.delete_token(account["id"], older["id"])
                known = found is not None and found.name == older["name"]
                elsewhere = elsewhere or not (known or older.get("hasExpired"))
        if elsewhere:
            self.warnings.append(
                f"A valid token of the Grafana account {self.name} that was not the one in {self.store.place} was "
                f"deleted: if another place keeps this account's token, such as another file or another student's "
                f"Secret, each run takes it from the other; give each place an account of its own (`name`, in the lab "
                f"`grafana_account`)."
            )
        return token

    def _give_up(self, account: Json, made: Json) -> None:
        """Delete a token whose text nobody knows any more; if that fails, the next run that creates one does it."""
        try:
            self.grafana.delete_token(account["id"], made["id"])
        except LabError as error:
            self.context.show(f"could neither keep nor delete the token {made.get('name')}: {error.msg}")

    def _expires(self) -> str:
        if not self.lifetime:
            return ""
        return f"{_now() + timedelta(seconds=self.lifetime):%Y-%m-%dT%H:%M:%SZ}"


def _absent(params: Params, context: Context, grafana: Grafana, store: TokenStore) -> Result:
    name = params["name"]
    found = store.read()
    if found is not None and found.account not in ("", name):
        context.show(f"keeping the token in {store.place}, which is of account {found.account}")
        found = None
    account = grafana.find_account(name)
    if not context.check_mode:
        if account is not None:
            # Grafana deletes its tokens with it.
            grafana.delete_account(account["id"])
        if found is not None:
            store.remove()
    result: Result = {
        "changed": account is not None or found is not None,
        "account": None,
        "token": {"state": "none" if found is None else "removed", "place": store.place, "name": "", "expires": ""},
    }
    if context.diff:
        before = {"account": account_view(account), "token": _token_view(found)}
        result["diff"] = {"before": before, "after": {"account": None, "token": None}}
    return result


def belongs(user: Json, account: Json) -> bool:
    """Whether the answer to GET /api/user describes this service account."""
    uid = str(user.get("uid") or "")
    if uid.startswith("service-account:"):
        return uid == f"service-account:{account['id']}"
    return bool(account.get("login")) and user.get("login") == account["login"]


def is_ours(token: str, account: str) -> bool:
    """Whether this task gave a token its name. account: the name of the account."""
    return re.fullmatch(re.escape(account) + r"-\d{8}T\d{6}Z-[0-9a-f]{8}", token) is not None


def seconds_left(token: Json, now: datetime) -> float | None:
    """The seconds that a token has left; None for ever, or if Grafana does not say.

    token: a row of ``GET /api/serviceaccounts/<id>/tokens``. now: by this machine's clock.
    Its ``secondsUntilExpiration`` is by Grafana's clock, but 0 for all tokens with more than seven days left.
    """
    if not token.get("expiration"):
        return None
    if token.get("hasExpired"):
        return 0.0
    by_grafana = token.get("secondsUntilExpiration")
    if isinstance(by_grafana, (int, float)) and by_grafana > 0:
        return float(by_grafana)
    at = _time(str(token["expiration"]))
    return None if at is None else (at - now).total_seconds()


def account_view(account: Json | None) -> Json | None:
    """What is shown of an account."""
    if account is None:
        return None
    return {
        "id": account.get("id"),
        "name": account.get("name"),
        "login": account.get("login"),
        "role": account.get("role"),
        "disabled": bool(account.get("isDisabled")),
    }


def _token_view(token: Token | None) -> Json | None:
    """What is shown of a token: never its text."""
    return None if token is None else {"name": token.name, "expires": token.expires}


def _changes(account: Json, wanted: Json) -> Json:
    return {key: value for key, value in wanted.items() if account.get(key) != value}


def _validate(params: Params) -> None:
    name = params["name"]
    if not name.strip() or name != name.strip() or len(name) > LONGEST:
        raise LabError(
            f"`name` must be the name of a service account of at most {LONGEST} characters, without spaces around it."
        )
    lifetime, renew = params["token_lifetime"], params["token_renew"]
    if lifetime < 0 or renew < 0:
        raise LabError("`token_lifetime` and `token_renew` are seconds and cannot be negative: correct them.")
    if lifetime and renew >= lifetime:
        raise LabError(
            f"`token_renew` ({renew} s) must be shorter than `token_lifetime` ({lifetime} s): each run would make a "
            f"new token."
        )


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _time(text: str) -> datetime | None:
    """A time as Grafana writes it, None for anything else; fractions of a second are ignored."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    try:
        return datetime.strptime(found[1] + found[2], "%Y-%m-%dT%H:%M:%S%z") if found else None
    except ValueError:
        return None


TASK = Task(SPEC, run, VALIDATION, elsewhere=as_given)
