"""A hosted server of mcp 2, for tests that run it with another Python: PORT, then `dual` or `modern`.

`dual` also speaks the versions of older clients; `modern` takes every request as one of 2026-07-28.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastmcp import FastMCP

VERSION = b"mcp-protocol-version"


def modern_only(app: Any) -> Any:
    async def asked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = [header for header in scope["headers"] if header[0] != VERSION]
            scope = {**scope, "headers": [*headers, (VERSION, b"2026-07-28")]}
        await app(scope, receive, send)

    return asked


def main(port: str, kind: str) -> None:
    server = FastMCP("revox")

    @server.tool
    def revox_get_call(call_id: str) -> dict[str, Any]:
        """Read a call."""
        return {"call": {"id": call_id, "status": "completed", "to_phone_number": "+12025550100"}}

    app = server.http_app(path="/mcp")
    print("ready", flush=True)
    uvicorn.run(modern_only(app) if kind == "modern" else app, port=int(port), log_level="critical")


if __name__ == "__main__":
    main(*sys.argv[1:])
