"""The formats of other fact sets that can be imported: the only list of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from factroots_dagster.facts.imports.bear import read_bear
from factroots_dagster.facts.imports.bmlama import read_bmlama
from factroots_dagster.facts.imports.draft import Draft
from factroots_dagster.facts.imports.klar import read_klar
from factroots_dagster.facts.imports.lama import read_lama
from factroots_dagster.facts.imports.mpararel import read_mpararel
from factroots_dagster.facts.imports.table import read_table

FROM_MLAMA = "made from mLAMA (CC BY-NC-SA 4.0): not for commercial use"
SEE_AUTHORS = "as its authors say where they publish it"


@dataclass(frozen=True)
class ImportFormat:
    """A format of fact sets: its reader, which fills a draft from a path, and the licence of its facts."""

    read: Callable[[Path, Draft], None]
    licence: str


FORMATS = {
    "klar": ImportFormat(read_klar, SEE_AUTHORS),
    "bmlama": ImportFormat(read_bmlama, FROM_MLAMA),
    "mpararel": ImportFormat(read_mpararel, FROM_MLAMA),
    "bear": ImportFormat(read_bear, SEE_AUTHORS),
    "lama": ImportFormat(read_lama, "CC BY-NC 4.0: not for commercial use"),
    "table": ImportFormat(read_table, "your own"),
}
