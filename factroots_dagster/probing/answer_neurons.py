"""The neurons of a model where given answers are predicted, whether or not it would give them.

The probers write the neurons of a model's own right answers. Here the answers come from elsewhere: an
untrained model has none, and is read at the places where the trained one was right.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import torch

from factroots_dagster.models.activations import ActivationWriter
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import default_token_budget
from factroots_dagster.probing.masking import Prompt, prompts_of_answers
from factroots_dagster.probing.predictions import rows_by_relation
from factroots_dagster.probing.prompt_neurons import read_prompt_neurons
from factroots_dagster.probing.sentences import object_prompts, split_at_object
from factroots_dagster.tables import zip_columns


class Answer(NamedTuple):
    """A fact as it is asked, and the tokens of its answer.

    language: of the template, for vocabularies that have codes of languages.
    """

    template: str
    subject: str
    object: str
    tokens: Sequence[int]
    language: str = ""


def answer_prompt(model: LoadedModel, answer: Answer) -> Prompt:
    """The prompt with the answer's tokens left to predict: as many masks, or the text before each of them.

    A decoder reads the sentence up to the answer's last token, and predicts each at the one before it.
    """
    k = len(answer.tokens)
    if model.family == "masked":
        return next(prompts_of_answers(model, [(answer.template, answer.subject)], [k]))
    context = split_at_object(answer.template, answer.subject)
    ((prompt, _),) = object_prompts(model.frame(answer.language), [(context, answer.object)])
    return prompt


def write_answer_neurons(
    model: LoadedModel,
    split: pa.Table,
    predictions: pa.Table,
    folder: Path,
    *,
    token_budget: int | None = None,
) -> None:
    """Writes the neurons of a model at the right answers of a checkpoint, as `probing.probe.probe` does.

    split: rows of MLAMA_SPLIT of one language, all answered right in `predictions` (PREDICTIONS of the
    checkpoint whose answers they are). folder: existing and empty. token_budget: padded tokens of one batch;
    batches are halved when memory runs out. Memory: the neurons of all rows. For the checkpoint itself the
    files are those of its probing.
    """
    columns = ("uuid", "predicted_ids", "object_ids", "matched_mask_count")
    masked = model.family == "masked"
    tokens_of = {
        uuid: ids[k - 1] if masked else object_ids
        for uuid, ids, object_ids, k in zip_columns(predictions, *columns)
        if k
    }
    facts = list(zip_columns(split, "uuid", "language", "template", "subject", "object"))
    answers = [
        Answer(template, subject, label, tokens_of[uuid], language)
        for uuid, language, template, subject, label in facts
    ]
    neurons = read_answer_neurons(model, answers, token_budget=token_budget)
    writer = ActivationWriter(folder, model.ffn)
    for relation, rows in rows_by_relation(split).items():
        writer.add(
            relation,
            [facts[row][:2] for row in rows],
            [len(answers[row].tokens) for row in rows],
            [neurons[row] for row in rows],
        )
    writer.close()


def read_answer_neurons(
    model: LoadedModel, answers: Sequence[Answer], *, token_budget: int | None = None
) -> list[torch.Tensor]:
    """Neurons [layers, neurons] of each answer: the mean over where its tokens are predicted."""
    prompts = [answer_prompt(model, answer) for answer in answers]
    return read_prompt_neurons(model, prompts, token_budget or default_token_budget(model.device))
