"""Writing Spark's rows as files whose names, order and bytes depend on the rows alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

WORK = "_spark"


def spark_path(path: Path | str) -> str:
    """`path` as Spark's readers take it: they read `[`, `{`, `*` and `?` as patterns."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", str(path))


def main_files(folder: Path) -> list[Path]:
    """The files of a folder's main table, in order; `_<name>.parquet` files are side tables."""
    return sorted(folder.glob("part-*.parquet"))


def file_count(size: int, share: int) -> int:
    """How many files a table of about `size` bytes takes at about `share` bytes each."""
    return max(1, -(-size // share))


def write_parts(
    rows: DataFrame, folder: Path, schema: pa.Schema, files: int, order: list[str], kind: str | None = None
) -> dict[str, list[Path]]:
    """Write `rows` into `folder` as `part-00000.parquet` and so on, one file per page_id modulo `files`.

    Rows of a file stand in the order of the columns `order`; where there are no rows, one empty file is
    written. Where `kind` names a column, the rows in which it is "main" make up the main table; the files
    of its other values are returned by value: they lie under `folder/_spark`, for the caller to put
    together and then remove.
    """
    work = folder / WORK
    placed = rows.repartitionById(files, (rows["page_id"] % files).cast("int"))
    sides = [kind] if kind else []
    placed.sortWithinPartitions(*sides, *order).write.partitionBy(*sides).parquet(str(work))
    main = work / f"{kind}=main" if kind else work
    written = sorted(main.glob("part-*.parquet"))
    for number, path in enumerate(written):
        path.rename(folder / f"part-{number:05d}.parquet")
    if not written:
        pq.write_table(schema.empty_table(), folder / "part-00000.parquet", compression="zstd")
    if not kind:
        shutil.rmtree(work)
        return {}
    return {
        side.name.partition("=")[2]: sorted(side.glob("part-*.parquet"))
        for side in sorted(work.glob(f"{kind}=*"))
        if side != main
    }
