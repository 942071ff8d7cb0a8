"""Dagster's webserver behind a guard that refuses what pages of other sites make a browser send.

Dagster's webserver runs a mutation whoever asks for it: any page that is open in a browser on the same
machine could start runs. `RequestGuard` lets through what the UI itself sends, and programs that send JSON.

A script that imports nothing of the package: the image of the webserver holds no other module of it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import click
from dagster_webserver import app
from dagster_webserver.cli import dagster_webserver
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

GRAPHQL = "/graphql"
EVERY_ADDRESS = ("0.0.0.0", "::")


class RequestGuard:
    """ASGI middleware that answers 403 to requests and WebSockets that the UI does not make.

    hosts: names under which the UI is reached, besides those of loopback, without a port.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = None
        if scope["type"] in ("http", "websocket"):
            reason = refusal(HTTPConnection(scope), self.hosts)
        if reason is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(reason=reason)(scope, receive, send)
        else:
            await PlainTextResponse(f"Refused: {reason}\n", status_code=403)(scope, receive, send)


def refusal(connection: HTTPConnection, hosts: Collection[str]) -> str | None:
    """Why a request is refused; None for one that is not.

    A name that another site's owner points at this machine (DNS rebinding) is a foreign host. Browsers name a
    page's origin in `Origin` and its relation in `Sec-Fetch-Site`; programs send neither. What old browsers
    send without them, a form or an image, is no POST of JSON, which alone may change something.
    """
    headers, path = connection.headers, connection.scope["path"]
    method = connection.scope.get("method", "GET")
    named = headers.getlist("host")
    if len(named) != 1 or not _is_own_host(named[0], hosts):
        return "the host is not one of this server; start it with --allow-host NAME"
    followed_link = (
        method == "GET"
        and path != GRAPHQL
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
    if not followed_link and not {"same-origin", "none"}.issuperset(headers.getlist("sec-fetch-site")):
        return "the page that asks is of another site"
    if any(_netloc(origin) != named[0].lower() for origin in headers.getlist("origin")):
        return "the page that asks is of another origin"
    if method == "POST":
        kinds = [kind.partition(";")[0].strip().lower() for kind in headers.getlist("content-type")]
        if kinds != ["application/json"]:
            return "only application/json may be posted"
    elif path == GRAPHQL and connection.scope["query_string"]:
        return "queries are sent by POST"
    return None


def _is_own_host(named: str, hosts: Collection[str]) -> bool:
    try:
        name = urlsplit(f"//{named}").hostname or ""
        return name == "localhost" or name in hosts or ipaddress.ip_address(name).is_loopback
    except ValueError:  # no address, or brackets that do not match
        return False


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--host", default="127.0.0.1")
@click.option("--allow-host", "hosts", multiple=True, envvar="DEPLOY_UI_HOSTS")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(host: str, hosts: tuple[str, ...], options: tuple[str, ...]) -> None:
    """`dagster-webserver` with its options, behind the guard.

    --allow-host: a name under which browsers reach it, such as a proxy's; repeatable, or in DEPLOY_UI_HOSTS,
    separated by spaces. Names of loopback and --host are always allowed.
    """
    own = {*hosts, *({host} - set(EVERY_ADDRESS))}

    class GuardedWebserver(DagsterWebserver[Any, Any]):
        def build_middleware(self) -> list[Middleware]:
            return [Middleware(RequestGuard, hosts=own), *super().build_middleware()]

    app.DagsterWebserver = GuardedWebserver  # type: ignore[attr-defined]  # the class that the command serves
    dagster_webserver(["--host", host, *options])


if __name__ == "__main__":
    main()
