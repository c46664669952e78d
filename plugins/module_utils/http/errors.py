# SPDX-License-Identifier: GPL-3.0-or-later
"""What can come of a request, as a tree of errors; callers tell them apart by type, never by text.

LabError
  Unreachable          no answer, or not a whole one
    Untrusted          the TLS connection did not come about
  RequestFailed        an answer other than the one hoped for
    Refused            401 or 403
    NotFound           404
    Conflict           409 or 412
    TemporaryFailure   429, 500, 502, 503, 504
      ProxyTargetError the API server answered, what is behind its proxy did not
    UnexpectedAnswer   a redirect, or not what the API says: HTML, cut JSON, another shape, too large
"""

from __future__ import annotations

from ..errors import LabError


class Unreachable(LabError):
    """No answer, or not a whole one; another try can help.

    received: whether the server may have received the request; False when there was no connection at all.
    lasting: another try is in vain, as for a port-forward that is not permitted.
    """

    def __init__(self, msg: str, received: bool = True, lasting: bool = False, **details: object) -> None:
        super().__init__(msg, **details)
        self.received = received
        self.lasting = lasting


class Untrusted(Unreachable):
    """The server's certificate was not accepted, or TLS is not spoken there; another try is in vain."""

    def __init__(self, msg: str, received: bool = False, lasting: bool = True, **details: object) -> None:
        super().__init__(msg, received, lasting, **details)


class RequestFailed(LabError):
    """An answer other than the one hoped for.

    status: its HTTP status.
    said: the server's own words for it, on one line and without our secrets; empty when it gave none.
    code: the server's own name of the error, such as Grafana's ``serviceaccounts.ErrAlreadyExists``; else empty.
    """

    def __init__(self, msg: str, status: int, said: str = "", code: str = "", **details: object) -> None:
        super().__init__(msg, **details)
        self.status = status
        self.said = said
        self.code = code


class Refused(RequestFailed):
    """The server rejected the credentials (401) or denied the request (403)."""


class NotFound(RequestFailed):
    """The requested object does not exist (404)."""

    def __init__(self, msg: str, status: int = 404, said: str = "", code: str = "", **details: object) -> None:
        super().__init__(msg, status, said, code, **details)


class Conflict(RequestFailed):
    """The object already exists, or someone else changed it in the meantime (409, 412)."""


class TemporaryFailure(RequestFailed):
    """An answer that may be another one soon (429 and most of 5xx).

    lasting: it is not worth asking again at once, only after a change.
    """

    lasting = False


class ProxyTargetError(TemporaryFailure):
    """The API server answers, but the pod or Service behind its proxy does not."""


class UnexpectedAnswer(RequestFailed):
    """The answer is not what the API says it should be, such as a page of HTML or a redirect."""

    def __init__(self, msg: str, status: int = 200, said: str = "", code: str = "", **details: object) -> None:
        super().__init__(msg, status, said, code, **details)
