"""Every hostile input that is refused: in which words, and that nothing of it is left behind.

Each case runs as an asset's body does, inside the publication of a partition over old data.
"""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.hostile import archives, checkpoints, dumps, releases, stored
from assets_tests.hostile.case import Case
from factroots_dagster.errors import InputError
from factroots_dagster.store.store import Store

CASES = [*archives.CASES, *releases.CASES, *dumps.CASES, *checkpoints.CASES, *stored.CASES]
SCHEMA = pa.schema([("n", pa.int64())])
SECONDS = 20.0
LONGEST_WORDS = 3000


def tree(folder: Path) -> dict[str, str]:
    """Every file under `folder`, hidden ones too, with its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_hostile_input_is_refused_in_words_and_leaves_nothing(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, root = tmp_path / "outer" / "source", tmp_path / "outer" / "data"
    source.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    store = Store(root, "sandbox")
    with store.write_partition("asset", "xx", code_version="1") as work:
        work.write(pa.table({"n": [1, 2, 3]}), SCHEMA)
    before = tree(root)
    began = time.process_time()
    with (
        pytest.raises(InputError) as refused,
        store.write_partition("asset", "xx", code_version="2") as work,
    ):
        (work.folder / "half.bin").write_bytes(b"of a new partition")
        case.ask(source, work.folder)
    assert time.process_time() - began < SECONDS
    words = str(refused.value)
    assert re.search(case.names, words, re.DOTALL), words
    assert re.search(case.remedy, words), words
    assert len(words) < LONGEST_WORDS
    assert tree(root) == before
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(source)]
    assert all(path.is_relative_to(root) for path in outside), outside


def test_the_table_is_as_long_as_it_says() -> None:
    assert len(CASES) > 200
    assert len({case.id for case in CASES}) == len(CASES)
