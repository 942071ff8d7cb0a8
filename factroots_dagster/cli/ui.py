"""`factroots ui`: Dagster's UI and daemon, each with its code server."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from factroots_dagster.cli.instance import WORKSPACE, dagster_instance
from factroots_dagster.errors import InputError
from factroots_dagster.settings import load_settings

LOOK_SECONDS = 0.5
STOP_SECONDS = 60


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name under which browsers reach the UI, such as a proxy's, without port; repeatable. Those of "
    "loopback and --host always work.",
)
@click.option(
    "--read-only", is_flag=True, help="Serve a UI in which nothing can be started, without the daemon."
)
def ui(host: str, port: int, hosts: tuple[str, ...], read_only: bool) -> None:
    """Start Dagster's UI and daemon on http://localhost:3000.

    Answers the UI's own pages and programs on this machine, but not other sites' pages in a browser. Ends
    with Ctrl-C, or when one of the two ends.
    """
    from factroots_dagster.orchestration.slots import set_device_slots

    _require_free_port(host, port)
    signal.signal(signal.SIGTERM, _interrupt)
    with dagster_instance() as instance:
        if not read_only:
            set_device_slots(instance, load_settings())
    workspace = ["--workspace", str(WORKSPACE)]
    options = ["--host", host, "--port", str(port), *workspace, *(["--read-only"] if read_only else [])]
    options += [option for name in hosts for option in ("--allow-host", name)]
    commands = {"webserver": [sys.executable, "-m", "factroots_dagster.cli.webserver", *options]}
    if not read_only:
        commands["daemon"] = [str(Path(sys.executable).with_name("dagster-daemon")), "run", *workspace]
    try:
        run_until_one_ends(commands)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _require_free_port(host: str, port: int) -> None:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise InputError(
            f"the UI cannot listen on {host}, port {port} ({error.strerror})", "give another --host or --port"
        ) from None


def run_until_one_ends(commands: Mapping[str, Sequence[str]]) -> NoReturn:
    """Run commands side by side, by name; raises ClickException when one ends, and stops all the others."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            processes[name] = subprocess.Popen(command)
        while not (ended := [name for name, process in processes.items() if process.poll() is not None]):
            time.sleep(LOOK_SECONDS)
        code = processes[ended[0]].returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise click.ClickException(f"the {ended[0]} {how}; see its messages above")
    finally:
        for process in processes.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in processes.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
