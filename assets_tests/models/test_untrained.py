from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.models import tiny
from factroots_dagster.models.checkpoint import SPLIT, load
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.probing.probe import probe


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_the_twin_of_a_divided_model_is_divided_and_answers_as_that_of_an_undivided_one(
    family: str, checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    """Here among one device; what is tested is that the twin arrives by way of accelerate."""
    pytest.importorskip("accelerate", reason="accelerate is not installed (the extra `test`)")
    folder = checkpoint_of(family)
    split: pa.Table = tiny.split(folder) if family == "bert" else tiny.decoder_split(folder)
    tables, maps = [], []
    for device in ("cpu", SPLIT):
        twin = with_random_weights(load(str(folder), device=device), seed=3)
        (tmp_path / device).mkdir()
        tables.append(probe(twin, split, tmp_path / device))
        maps.append(getattr(twin.model, "hf_device_map", None))
    assert tables[0].equals(tables[1])
    assert maps == [None, {"": "cpu"}]
