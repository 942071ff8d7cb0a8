"""`factroots open`, which shows a report, and `factroots ui`, which starts Dagster's UI."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

import click

from factroots_dagster.cli.instance import WORKSPACE, dagster_instance
from factroots_dagster.cli.options import checkpoint_option, reported_checkpoint, world_option
from factroots_dagster.settings import load_settings
from factroots_dagster.store.store import Store


@click.command(name="open")
@world_option
@checkpoint_option("Open this checkpoint's report.  [default: the last registered one that has a report]")
@click.option("--comparison", is_flag=True, help="Open the comparison of all checkpoints instead.")
def open_page(world: str | None, checkpoint: str | None, comparison: bool) -> None:
    """Open a report in the browser, and print its path.

    Without a browser only the path is printed.
    """
    settings = load_settings(world=world)
    store = Store(settings.data_root, settings.world)
    if comparison:
        folder = store.shown_folder("checkpoint_comparison")
    else:
        folder = store.shown_folder("categorization_report", reported_checkpoint(settings, checkpoint))
    page = folder / "index.html"
    click.echo(page)
    if _has_screen():
        webbrowser.open(page.as_uri())


def _has_screen() -> bool:
    """Whether a browser can be seen: elsewhere one in the terminal would take it over."""
    if "BROWSER" in os.environ or sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def ui(options: tuple[str, ...]) -> None:
    """Start Dagster's UI and daemon on http://localhost:3000.

    OPTIONS are those of `dagster dev`, such as --port 3001.
    """
    from factroots_dagster.orchestration.slots import set_device_slots

    with dagster_instance() as instance:
        set_device_slots(instance, load_settings())
    dagster = Path(sys.executable).with_name("dagster")
    os.execv(dagster, [str(dagster), "dev", "--workspace", str(WORKSPACE), *options])
