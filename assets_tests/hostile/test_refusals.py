"""Every hostile input is refused with an error that names it and a remedy, and leaves nothing behind.

Each case runs as an asset's body does, while a partition is written over old data.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.files import file_digests
from assets_tests.hostile import archives, checkpoints, dumps, releases, stored
from assets_tests.hostile.case import Case, check_error
from factroots_dagster.errors import InputError
from factroots_dagster.store.store import Store

CASES = [*archives.CASES, *releases.CASES, *dumps.CASES, *checkpoints.CASES, *stored.CASES]
SCHEMA = pa.schema([("n", pa.int64())])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.timeout(120)
def test_a_hostile_input_is_refused_by_name_and_leaves_nothing(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, root = tmp_path / "outer" / "source", tmp_path / "outer" / "data"
    source.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    store = Store(root, "sandbox")
    with store.write_partition("asset", "xx", code_version="1") as writer:
        writer.write(pa.table({"n": [1, 2, 3]}), SCHEMA)
    before = file_digests(root)
    with (
        pytest.raises(InputError) as refused,
        store.write_partition("asset", "xx", code_version="2") as writer,
    ):
        (writer.folder / "half.bin").write_bytes(b"of a new partition")
        case.run(source, writer.folder)
    check_error(refused.value, case.names)
    assert file_digests(root) == before
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(source)]
    assert all(path.is_relative_to(root) for path in outside), outside


def test_every_case_has_an_id_of_its_own() -> None:
    assert len(CASES) > 200
    assert len({case.id for case in CASES}) == len(CASES)
