"""Runs at the start of every Python process that has this folder on PYTHONPATH, and keeps it on this machine.

Look-ups of other machines, and connections or datagrams to them, go to $NETWORK_GUARD_LOG and are refused.
"""

import os
import socket
import sys
from typing import Any

LOCAL = {"", "localhost", "0.0.0.0", "::", "::1", socket.gethostname()}


def _is_local(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name is None or name in LOCAL or name.startswith(("127.", "::ffff:127."))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a Unix socket has a path
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_local(host):
        with open(os.environ["NETWORK_GUARD_LOG"], "a") as log:
            log.write(f"{event} {arguments[:2]} by {' '.join(sys.argv)[:200]}\n")
        raise PermissionError(f"{event} to {host} is refused in this test")


if "NETWORK_GUARD_LOG" in os.environ:
    sys.addaudithook(_hook)
