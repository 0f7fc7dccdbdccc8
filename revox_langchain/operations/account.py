"""Operations on the account behind the API key."""

from __future__ import annotations

from revox_langchain.operations.operation import Operation, Risk, operation
from revox_langchain.operations.render import account as render


@operation("GET /auth-status", risk=Risk.READ, answer="authenticated", render=render.auth_status, name="auth_status")
class AuthStatus(Operation):
    """Check whether the API key is valid."""


@operation("GET /users/me", risk=Risk.READ, answer="user", render=render.user)
class GetUser(Operation):
    """Read who the API key belongs to, with the organisation's country."""
