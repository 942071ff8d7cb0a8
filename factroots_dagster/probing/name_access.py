"""What one language's names bring up in another language's question: how a fact could come across.

For a fact in a language A, and every other language B that knows it and has a source for it:

- own_logprob: A's question as it is.
- partner_logprob: B's question as it is, with B's names of subject and object.
- name_logprob: B's question with A's name of the subject. Does A's name open what B's text taught?
- object_logprob: B's question with B's name, and A's name of the object as the answer. Does what B's text
  taught also bring up the word with which A answers?
- partner_name_logprob: A's question with B's name of the subject. Does B's name open what A's question asks?

The two before the last use no word of A but the two names, so A's own statements of the fact have little part
in them. In the last they have, above all where both write the name alike: `roots.transfer` allows for that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.answer_likelihood import Question, answer_logprobs
from factroots_dagster.probing.schema import NAME_ACCESS
from factroots_dagster.tables import zip_columns

MOST_PARTNERS = 8
"""Languages in which one fact of another language is asked, those that find it most probable."""
MOST_UNSTATED = 20_000
"""Facts without a source that are asked though they are not predicted, equally many of each language: enough
to learn from."""


class _Fact(NamedTuple):
    """A fact in one language. logprob: of the object, NaN where it was not asked."""

    uuid: str
    language: str
    relation: str
    template: str
    subject: str
    object: str
    known: bool
    logprob: float


def measure_name_access(
    model: LoadedModel,
    splits: Mapping[str, pa.Table],
    predictions: Mapping[str, pa.Table],
    sourced: Mapping[str, Collection[str]],
    *,
    seed: int,
    most_partners: int = MOST_PARTNERS,
    most_unstated: int = MOST_UNSTATED,
    token_budget: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """NAME_ACCESS of every predicted fact, and of facts without a source that are not predicted.

    By language: splits (MLAMA_SPLIT), predictions (PREDICTIONS), sourced (uuids of the facts with a source).
    Languages without predictions are left out. most_unstated: how many of the latter, over all languages; of
    a language with more than its share a sample is drawn. token_budget, progress: see
    `answer_likelihood.answer_logprobs`. Raises InputError for broken templates and logits that are not
    finite.
    """
    facts = {code: _read_facts(splits[code], predictions[code]) for code in sorted(predictions)}
    knowing = _find_knowing(facts, sourced)
    share = most_unstated // max(1, len(facts))
    pairs = [
        (here, there)
        for language in facts
        for here in _asked(facts[language], sourced.get(language, ()), knowing, share, seed)
        for there in _partners(here, knowing)[:most_partners]
    ]
    asked = {
        "own_logprob": [_ask(here, here.subject, here.object) for here, _ in pairs],
        "partner_logprob": [_ask(there, there.subject, there.object) for _, there in pairs],
        "name_logprob": [_ask(there, here.subject, there.object) for here, there in pairs],
        "object_logprob": [_ask(there, there.subject, here.object) for here, there in pairs],
        "partner_name_logprob": [_ask(here, there.subject, here.object) for here, there in pairs],
    }
    questions = [question for of_column in asked.values() for question in of_column]
    logprobs = answer_logprobs(model, questions, token_budget=token_budget, progress=progress)
    columns = {
        "uuid": [here.uuid for here, _ in pairs],
        "language": [here.language for here, _ in pairs],
        "relation": [here.relation for here, _ in pairs],
        "partner": [there.language for _, there in pairs],
        **dict(zip(asked, logprobs.reshape(len(asked), -1), strict=True)),
    }
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in NAME_ACCESS]
    return pa.table(arrays, schema=NAME_ACCESS)


def _ask(fact: _Fact, subject: str, answer: str) -> Question:
    """A fact's question with some subject and answer."""
    return Question(fact.template, subject, answer, fact.language)


def _read_facts(split: pa.Table, predictions: pa.Table) -> dict[str, _Fact]:
    answers = {
        uuid: (bool(known), np.nan if logprob is None else logprob)
        for uuid, known, logprob in zip_columns(predictions, "uuid", "full_match", "object_logprob")
    }
    columns = ("uuid", "language", "relation", "template", "subject", "object")
    facts = {}
    for uuid, language, relation, template, subject, label in zip_columns(split, *columns):
        if uuid in answers:
            facts[uuid] = _Fact(uuid, language, relation, template, subject, label, *answers[uuid])
    return facts


def _find_knowing(
    facts: Mapping[str, Mapping[str, _Fact]], sourced: Mapping[str, Collection[str]]
) -> dict[str, list[_Fact]]:
    """Every fact in the languages that know it and have a source for it, the most certain first."""
    knowing: dict[str, list[_Fact]] = {}
    for language, of_language in facts.items():
        for fact in of_language.values():
            if fact.known and fact.uuid in sourced.get(language, ()):
                knowing.setdefault(fact.uuid, []).append(fact)
    for found in knowing.values():
        found.sort(key=lambda fact: -np.nan_to_num(fact.logprob, nan=-np.inf))
    return knowing


def _partners(fact: _Fact, knowing: Mapping[str, list[_Fact]]) -> list[_Fact]:
    return [other for other in knowing.get(fact.uuid, ()) if other.language != fact.language]


def _asked(
    facts: Mapping[str, _Fact],
    sourced: Collection[str],
    knowing: Mapping[str, list[_Fact]],
    most: int,
    seed: int,
) -> list[_Fact]:
    """The facts of one language that are asked: the predicted ones, and a sample of the unstated others."""
    known = [fact for fact in facts.values() if fact.known]
    unknown = [
        fact
        for fact in facts.values()
        if not fact.known and fact.uuid not in sourced and _partners(fact, knowing)
    ]
    if len(unknown) > most:
        drawn = np.random.default_rng(seed).choice(len(unknown), most, replace=False)
        unknown = [unknown[index] for index in np.sort(drawn)]
    return known + unknown
