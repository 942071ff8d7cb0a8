"""Statistics that might tell shared facts from independent ones, and are not in the package.

`benchmarks.candidates` scores them. Each is read from one masked model, at the facts that it predicts. *Here*
is the language in question; *there* is a partner: another language that predicts the fact and has a source
for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from benchmarks.masked_model import (
    Floats,
    ask,
    integrate_gradients,
    make_trainable,
    read_states,
    score,
    split_batches,
    unlearned,
)
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.answer_likelihood import Question, answer_logprobs
from factroots_dagster.tables import zip_columns
from factroots_dagster.yardstick.study import Study

CONTROLS = 6
"""Facts of the same language and relation that are watched beside an edited one."""


class Edits(NamedTuple):
    """Nats that answers lose when the fact is unlearned there, [pairs].

    edited: of the unlearned answer; watched: of the fact here; controls: of other facts here, the mean.
    """

    edited: Floats
    watched: Floats
    controls: Floats


class Reading:
    """One model at the predicted facts of a study; what several statistics are read from is computed once.

    model: the study's, or another one with the same tokenizer. earlier: checkpoints of the same training.
    Attributes: index, (uuid, language) of the predicted cells; questions, asked: of the cells; here, there:
    cell numbers, [pairs].
    """

    def __init__(self, study: Study, model: LoadedModel, earlier: Sequence[LoadedModel] = ()) -> None:
        cells = study.cells()
        rows = {
            (uuid, language): Question(*question)
            for language, split in study.splits.items()
            for uuid, *question in zip_columns(split, "uuid", "template", "subject", "object")
        }
        self.model, self.earlier, self.index = model, earlier, cells.index
        self.questions = [rows[cell] for cell in cells.index]
        self.asked = [ask(model, question) for question in self.questions]
        self._group = cells.groupby(["language", "relation"]).ngroup().to_numpy()
        numbers = pd.Series(range(len(cells)), cells.index)
        of_fact = numbers.groupby(level="uuid").agg(list)
        pairs = [
            (here, there)
            for same_fact in of_fact
            for there in same_fact
            if cells["source"].iloc[there]
            for here in same_fact
            if here != there
        ]
        self.here, self.there = np.array(pairs, int).reshape(-1, 2).T

    def over_partners(self, values: Floats, how: str) -> pd.Series:
        """The mean or max of [pairs] over the partners of every cell; NaN where it has none."""
        of_cells = pd.Series(values).groupby(self.here).agg(how)
        return pd.Series(of_cells.reindex(range(len(self.index))).to_numpy(), self.index)

    @cached_property
    def logprobs(self) -> Floats:
        """The answers' mean log-probability, [cells]."""
        return score(self.model, self.asked)

    @cached_property
    def states(self) -> list[torch.Tensor]:
        """See `read_states`, of the cells."""
        return read_states(self.model, self.asked)

    @cached_property
    def patched_here(self) -> list[Floats]:
        """By layer: log-probability of the answer here, with the states of the partner's name, [pairs]."""
        return self._patch(self.here, self.there)

    @cached_property
    def patched_there(self) -> list[Floats]:
        """By layer: log-probability of the partner's answer, with the states of the name here, [pairs]."""
        return self._patch(self.there, self.here)

    @cached_property
    def restored_here(self) -> list[Floats]:
        """By layer: log-probability of the answer here where the name is masked, until after the layer the
        states of the partner's name stand there, [pairs]. Layer 0: nothing does.
        """
        return self._patch(self.here, self.there, masked=True)

    def _patch(
        self, into: npt.NDArray[np.int64], named: npt.NDArray[np.int64], masked: bool = False
    ) -> list[Floats]:
        """The questions of the cells `into` with the names, or as many masks, of the cells `named`.

        By layer after which the names' states stand there, 0 being without; NaN where a name is cut otherwise
        in the other question.
        """
        mask = self.model.tokenizer.mask_token
        crossed, pairs = [], []
        for pair, (cell, other) in enumerate(zip(into, named, strict=True)):
            name, tokens = self.questions[other].subject, self.asked[other].name_ids()
            subject = " ".join([mask] * len(tokens)) if masked else name
            question = ask(self.model, self.questions[cell]._replace(subject=subject))
            if len(question.name) == len(tokens) and (masked or question.name_ids() == tokens):
                crossed.append(question)
                pairs.append(pair)
        by_layer = []
        for layer in range(self.model.ffn.layers):
            states = [self.states[cell][layer][self.asked[cell].name] for cell in named[pairs]]
            logprobs = np.full(len(named), np.nan)
            logprobs[pairs] = score(self.model, crossed, layer, states)
            by_layer.append(logprobs)
        return by_layer

    @cached_property
    def similarities(self) -> list[Floats]:
        """By layer, from 1: cosine of the states at the masks, [pairs]."""
        at_masks = [
            states[:, each.prompt.positions].mean(dim=1)
            for states, each in zip(self.states, self.asked, strict=True)
        ]
        return [self._cosines(vectors.numpy()) for vectors in torch.stack(at_masks, dim=1)[1:]]

    @cached_property
    def attributions(self) -> Floats:
        """Cosine of the integrated gradients of all layers' neurons, [pairs]."""
        vectors = np.empty((len(self.asked), self.model.ffn.layers * self.model.ffn.neurons), np.float32)
        for numbers in split_batches(self.model, self.asked):
            chosen = [self.asked[number] for number in numbers]
            of_layers = [
                integrate_gradients(self.model, chosen, layer) for layer in range(self.model.ffn.layers)
            ]
            vectors[numbers] = torch.cat(of_layers, dim=1).numpy()
        return self._cosines(vectors)

    def _cosines(self, vectors: npt.NDArray[np.float32]) -> Floats:
        """[pairs] of [cells, numbers], less the mean of the cell's language and relation."""
        centred = vectors - pd.DataFrame(vectors).groupby(self._group).transform("mean").to_numpy()
        unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        return np.einsum("ij,ij->i", unit[self.here], unit[self.there]).astype(np.float64)

    @cached_property
    def edits(self) -> Edits:
        """What is lost when each fact is unlearned in a partner's language."""
        model, random = make_trainable(self.model), np.random.default_rng(0)
        losses = np.full((3, len(self.here)), np.nan)
        for edited in np.unique(self.there):
            pairs = np.flatnonzero(self.there == edited)
            controls = [self._draw_controls(cell, random) for cell in self.here[pairs]]
            watched = np.concatenate([[edited], self.here[pairs], *controls]).astype(int)
            with unlearned(model, self.asked[edited]):
                lost = self.logprobs[watched] - score(model, [self.asked[cell] for cell in watched])
            of_facts, of_controls = np.split(lost, [1 + len(pairs)])
            ends = np.cumsum([len(cells) for cells in controls])[:-1]
            losses[0, pairs], losses[1, pairs] = of_facts[0], of_facts[1:]
            losses[2, pairs] = [each.mean() if len(each) else np.nan for each in np.split(of_controls, ends)]
        return Edits(*losses)

    def _draw_controls(self, cell: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
        others = np.flatnonzero(self._group == self._group[cell])
        return random.permutation(others[others != cell])[:CONTROLS]

    def ask_earlier(self) -> pd.Series:
        """The answer's mean log-probability over the earlier checkpoints; NaN where there are none."""
        asked = [answer_logprobs(model, self.questions) for model in self.earlier]
        return pd.Series(np.mean(asked, axis=0) if asked else np.nan, self.index)


def list_candidates(layers: int) -> dict[str, Callable[[Reading], pd.Series]]:
    """The registry: candidates for models of so many layers by name; each gives a score of every cell."""
    of_pairs: dict[str, Callable[[Reading], Floats]] = {}
    for layer in range(layers):
        of_pairs[f"patching_here_{layer}"] = lambda reading, layer=layer: reading.patched_here[layer]
        of_pairs[f"patching_there_{layer}"] = lambda reading, layer=layer: reading.patched_there[layer]
        of_pairs[f"restoring_{layer}"] = lambda reading, layer=layer: reading.restored_here[layer]
        of_pairs[f"similarity_{layer + 1}"] = lambda reading, layer=layer: reading.similarities[layer]
    of_pairs["integrated_gradients"] = lambda reading: reading.attributions
    of_pairs["editing"] = lambda reading: reading.edits.watched
    of_pairs["editing_beyond_controls"] = lambda reading: reading.edits.watched - reading.edits.controls
    candidates: dict[str, Callable[[Reading], pd.Series]] = {
        name + suffix: lambda reading, read=read, how=how: reading.over_partners(read(reading), how)
        for name, read in of_pairs.items()
        for suffix, how in (("", "mean"), ("_best", "max"))
    }
    return candidates | {"earlier_checkpoints": Reading.ask_earlier}
