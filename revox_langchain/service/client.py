"""Talk to a running service: what `service_app` offers, from another process."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from revox_langchain.answers import JsonObject
from revox_langchain.connection.address import check_url
from revox_langchain.errors import AuthError, InvalidInput, NotFound, Refused, RevoxToolError, Unavailable

_KINDS: dict[int, type[RevoxToolError]] = {
    401: AuthError,
    404: NotFound,
    409: Refused,
    422: InvalidInput,
    503: Unavailable,
}


class ServiceClient:
    """A client of the service at a URL.

    Args:
        url: Where the service answers.
        token: Its token; the one for approvals to answer questions.
        timeout_s: Seconds to wait for an answer.
        transport: An httpx transport to use instead of the network.

    Raises:
        InvalidInput: The URL is not one.
    """

    def __init__(
        self, url: str, token: str, *, timeout_s: float = 30.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        check_url(url, "service URL", "http://127.0.0.1:8790")
        self._url = url.rstrip("/")
        self._token = SecretStr(token)
        self._http = httpx.Client(timeout=timeout_s, transport=transport)

    def start(self, request: JsonObject, thread_id: str) -> JsonObject:
        """Start a call request; the same request under the same thread again does nothing.

        So it may be repeated when no answer came.

        Raises:
            RevoxToolError: The service says no, or does not answer.
        """
        return self._asked("POST", "/calls", {"request": request, "thread_id": thread_id})

    def read(self, thread_id: str) -> JsonObject:
        """Read where a thread stands.

        Raises:
            RevoxToolError: There is no such thread, or the service does not answer.
        """
        return self._asked("GET", f"/calls/{quote(thread_id, safe='')}")

    def cancel(self, thread_id: str) -> JsonObject:
        """Cancel a thread's call.

        Raises:
            RevoxToolError: There is none, or the service does not answer.
        """
        return self._asked("POST", f"/calls/{quote(thread_id, safe='')}/cancel")

    def answer(self, thread_id: str, given: object) -> JsonObject:
        """Answer what a thread asks; needs the token for approvals.

        Raises:
            RevoxToolError: It asks nothing, or the service does not answer.
        """
        return self._asked("POST", f"/calls/{quote(thread_id, safe='')}/answer", {"answer": given})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _asked(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
        try:
            answer = self._http.request(method, f"{self._url}{path}", json=body, headers=headers)
            told: Any = answer.json()
        except httpx.InvalidURL:
            raise InvalidInput(f"The service URL {self._url!r} is not valid.", next_step="Check it.") from None
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(
                f"There is no answer from a service at {self._url} ({type(error).__name__}).",
                next_step="Start it with `revox-langchain serve`, or check the address.",
                retry_safe=True,
            ) from None
        if answer.is_success and isinstance(told, dict):
            return told
        raise _error(answer.status_code, told)


def _error(status: int, told: object) -> RevoxToolError:
    said = told.get("error") if isinstance(told, dict) else None
    if isinstance(said, dict):
        kind = _KINDS.get(status, RevoxToolError)
        return kind(str(said.get("message")), code=said.get("code"), next_step=str(said.get("next_step") or ""))
    if status == 401:
        return AuthError(f"The service refused the token. {said or ''}".strip(), next_step="Give its --token.")
    return Unavailable(f"The service answered with HTTP {status}.", next_step="Look at its log.", retry_safe=True)


__all__ = ["ServiceClient"]
