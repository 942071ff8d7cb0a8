"""Options that several commands have: settings, and keys that the shell completes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from factroots_dagster.errors import InputError
from factroots_dagster.facts.worlds import list_imported
from factroots_dagster.models import registry
from factroots_dagster.settings import OWN_WORLDS, Settings, load_data_root, load_settings
from factroots_dagster.store.store import Store

Decorated = Callable[..., Any]


def world_option(command: Decorated) -> Decorated:
    """`--world`, in place of FACTROOTS_WORLD."""
    return click.option(
        "--world",
        metavar="NAME",
        shell_complete=complete_world,
        help="The world: sandbox, disjoint, mlama, cldr, or one whose facts were imported.  "
        "[default: FACTROOTS_WORLD, else sandbox]",
    )(command)


def checkpoint_option(text: str) -> Callable[[Decorated], Decorated]:
    """`--checkpoint KEY`, described by a text."""
    return click.option("--checkpoint", metavar="KEY", shell_complete=complete_checkpoint, help=text)


def complete_world(ctx: click.Context, param: click.Parameter, start: str) -> Sequence[str]:
    """The worlds that begin so."""
    try:
        imported = list_imported(load_data_root())
    except InputError:
        imported = []
    return [name for name in (*OWN_WORLDS, *imported) if name.startswith(start)]


def complete_checkpoint(ctx: click.Context, param: click.Parameter, start: str) -> Sequence[str]:
    """The registered checkpoints that begin so; none where the settings are wrong."""
    try:
        return [key for key in registry.registered(load_settings()) if key.startswith(start)]
    except InputError:
        return []


def complete_asset(ctx: click.Context, param: click.Parameter, start: str) -> Sequence[str]:
    """The assets that begin so."""
    from factroots_dagster.orchestration.catalog import CATALOG

    return [name for name in CATALOG if name.startswith(start)]


def complete_table(ctx: click.Context, param: click.Parameter, start: str) -> Sequence[str]:
    """The tables that begin so; none where the settings are wrong."""
    from factroots_dagster.orchestration.stored_tables import list_tables

    try:
        return [table.name for table in list_tables(load_settings()) if table.name.startswith(start)]
    except InputError:
        return []


def reported_checkpoint(settings: Settings, requested: str | None) -> str:
    """The checkpoint whose report is meant: the requested one, or the last registered one that has one.

    Raises InputError where it has none.
    """
    store = Store(settings.data_root, settings.world)
    reported = store.keys("categorization_report")
    if requested is not None and requested not in reported:
        raise InputError(
            f"{store.location}: checkpoint {requested!r} has no report; those that have: "
            f"{', '.join(reported) or 'none'}",
            f"run: factroots run --checkpoint {requested}",
        )
    if not reported:
        raise InputError(f"{store.location}: there is no report", "run: factroots run")
    in_order = [key for key in registry.registered(settings) if key in reported]
    return requested or (in_order or reported)[-1]
