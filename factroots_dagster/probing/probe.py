"""The entry point of probing: asks a language model every fact of one language.

Nothing is decided here but which prober a model needs: `masked`, or `causal` for all that have a decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from factroots_dagster.models.activations import Stored
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.answers import Protocol
from factroots_dagster.probing.causal import RankedBy, probe_causal
from factroots_dagster.probing.masked import probe_masked
from factroots_dagster.probing.prompts import MaskCounts


def probe(
    model: LoadedModel,
    split: pa.Table,
    activations_folder: Path,
    *,
    protocols: Sequence[Protocol] = (),
    mask_counts: MaskCounts = "relation",
    ranked_by: RankedBy = "sentence",
    candidates: Mapping[str, Iterable[str]] | None = None,
    stored: Stored = "fp32",
    progress: Callable[[str], None] | None = None,
    token_budget: int | None = None,
) -> pa.Table:
    """Asks a language model every row of one language.

    split: MLAMA_SPLIT. activations_folder: existing and empty; receives `<relation>.safetensors` (tensor
    "activations" [facts, layers, neurons]) and `data.parquet` (ACTIVATION_INDEX) for
    the rows with a full match. protocols: what else a masked model is asked, see `pll` and `filling`; ignored
    for a decoder. mask_counts: with how many masks a masked model is asked, see `prompts.build_prompts`; with
    "object" there are no ranks of candidates, no prior and no partial match. ranked_by: what a decoder's
    candidates are ranked by, see `causal`. candidates: by relation, labels that compete with the objects of
    the split where that is a sample. stored: the number format of the tensors. progress: receives messages
    for people. token_budget: padded tokens of one batch; batches are halved when memory runs out.

    Returns PREDICTIONS, one row per row of the split, in its order. The modules `masked` and `causal`
    describe what its columns mean for their models.
    Raises InputError for broken templates and logits that are not finite.
    """
    if model.family != "masked":
        return probe_causal(
            model,
            split,
            activations_folder,
            candidates=candidates,
            ranked_by=ranked_by,
            stored=stored,
            progress=progress,
            token_budget=token_budget,
        )
    return probe_masked(
        model,
        split,
        activations_folder,
        protocols=protocols,
        mask_counts=mask_counts,
        candidates=candidates,
        stored=stored,
        progress=progress,
        token_budget=token_budget,
    )
