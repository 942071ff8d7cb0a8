"""A rival from training-data attribution: whose statements pushed the model towards its answer?

TracIn with the last checkpoint (Pruthi et al., NeurIPS 2020): the influence of a training sentence on an
answer is the product of their loss gradients, here their cosine, so that long sentences do not count more.
Every sentence that states the fact is a training example with the object masked, as in the training; the
answer is the prompt with the object as the target.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.slots import fill_template
from factroots_dagster.sandbox.records import Mention, Sentence, World
from factroots_dagster.tables import zip_columns
from factroots_dagster.yardstick.study import Study

STATEMENTS = 4
"""Statements of a fact that are taken from each language, the first in reading order."""


def influence_of_others(study: Study) -> dict[tuple[str, str], float]:
    """Share of an answer's influence that comes from other languages' statements, by predicted cell.

    From 0 (all of it from this language) to 1; half where no statement has a positive influence.
    """
    statements = _statements(study.world, study.splits)
    prompts: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    for language, split in study.splits.items():
        matches = study.predictions[language]["full_match"].to_pylist()
        rows = zip_columns(split, "uuid", "template", "subject", "object")
        for full_match, (uuid, *rest) in zip(matches, rows, strict=True):
            if full_match:
                prompts[uuid].append((language, *rest))
    model = _trainable(study.model)
    shares = {}
    for uuid, cells in prompts.items():
        gradients = {
            language: [_gradient(study.model, model, *example) for example in examples]
            for language, examples in statements.get(uuid, {}).items()
        }
        for language, template, subject, target in cells:
            text, start = fill_template(template, subject, target)
            own = _gradient(study.model, model, text, start, target)
            influence = {
                code: sum(max(0.0, float(own @ gradient)) for gradient in of_language)
                for code, of_language in gradients.items()
            }
            total = sum(influence.values())
            shares[uuid, language] = 1 - influence.get(language, 0.0) / total if total else 0.5
    return shares


def _statements(
    world: World, splits: Mapping[str, object]
) -> dict[str, dict[str, list[tuple[str, int, str]]]]:
    """Fact to language to statements: the text, where the object's label begins, and the label."""
    object_of = {fact.uuid: fact.object_uri for fact in world.facts}
    found: dict[str, dict[str, list[tuple[str, int, str]]]] = defaultdict(lambda: defaultdict(list))
    for language in splits:
        for article in world.articles[language]:
            for sentence in article.sentences:
                if sentence.fact is None or len(found[sentence.fact][language]) == STATEMENTS:
                    continue
                if place := _object_place(sentence, object_of[sentence.fact]):
                    found[sentence.fact][language].append((sentence.text, *place))
    return found


def _object_place(sentence: Sentence, uri: str) -> tuple[int, str] | None:
    start = 0
    for part in sentence.parts:
        if isinstance(part, Mention) and part.uri == uri:
            return start, part.label
        start += len(part if isinstance(part, str) else part.label)
    return None


def _trainable(model: LoadedModel) -> torch.nn.Module:
    """The model with gradients; the loaded one is shared and stays without."""
    copy: torch.nn.Module = type(model.model)(model.model.config)
    copy.load_state_dict(model.model.state_dict())
    return copy.eval().to(model.device)


def _gradient(loaded: LoadedModel, model: torch.nn.Module, text: str, start: int, label: str) -> torch.Tensor:
    """The gradient, of length 1, of the loss at the label's tokens when these are masked."""
    encoded = loaded.tokenizer(text, return_offsets_mapping=True, truncation=True)
    ids = torch.tensor(encoded["input_ids"], device=loaded.device)
    in_label = torch.tensor(
        [start <= first < last <= start + len(label) for first, last in encoded["offset_mapping"]],
        device=loaded.device,
    )
    masked = torch.where(in_label, loaded.mask_id, ids)
    logits = model(input_ids=masked[None]).logits[0, in_label]
    loss = torch.nn.functional.cross_entropy(logits, ids[in_label])
    gradients = torch.autograd.grad(loss, [p for p in model.parameters()], allow_unused=True)
    flat = torch.cat([gradient.flatten() for gradient in gradients if gradient is not None])
    unit: torch.Tensor = flat / flat.norm().clamp(min=1e-12)
    return unit
