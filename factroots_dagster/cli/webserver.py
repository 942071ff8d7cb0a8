"""Dagster's webserver behind a guard that refuses what pages of other sites make a browser send.

Dagster's webserver runs a mutation whoever asks for it: any page that is open in a browser on the same
machine could start runs. `RequestGuard` lets through what the UI itself sends, and programs that send JSON.

A script that imports nothing of the package: the image of the webserver holds no other module of it.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Collection
from urllib.parse import urlsplit

import click
import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

GRAPHQL = "/graphql"
EVERY_ADDRESS = ("0.0.0.0", "::")
STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, POOL_OVERFLOW = 15_000, 3_600, 20
"""Of connections to the storage, as `dagster-webserver` has them."""


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


class GuardedWebserver(DagsterWebserver[WorkspaceProcessContext, object]):
    """Dagster's webserver with the guard before everything else."""

    def __init__(self, process_context: WorkspaceProcessContext, hosts: Collection[str]) -> None:
        self._hosts = hosts
        super().__init__(process_context)

    def build_middleware(self) -> list[Middleware]:
        return [Middleware(RequestGuard, hosts=self._hosts), *super().build_middleware()]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, help="Port to listen on.")
@click.option("--workspace", required=True, help="File that names the code locations.")
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    envvar="DEPLOY_UI_HOSTS",
    help="A name under which browsers reach the UI, such as a proxy's, without port; repeatable.",
)
@click.option("--read-only", is_flag=True, help="Nothing can be started or changed.")
def main(host: str, port: int, workspace: str, hosts: tuple[str, ...], read_only: bool) -> None:
    """Serve Dagster's UI to its own pages, and to programs that post JSON. DAGSTER_HOME must be set."""
    configure_loggers(log_level="INFO")
    own = {*hosts, *({host} - set(EVERY_ADDRESS))}
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, POOL_OVERFLOW)
        target = WorkspaceFileTarget([workspace])
        with WorkspaceProcessContext(instance, target, version=__version__, read_only=read_only) as context:
            app = GuardedWebserver(context, own).create_asgi_app()
            logging.getLogger("dagster-webserver").info(f"Serving the UI on http://{host}:{port}")
            uvicorn.run(app, host=host, port=port, log_level="warning")


if __name__ == "__main__":
    main()
