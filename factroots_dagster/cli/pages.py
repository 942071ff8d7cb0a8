"""`factroots open`, which shows a report."""

from __future__ import annotations

import os
import sys
import webbrowser

import click

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
