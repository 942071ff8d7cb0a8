"""Facts asked in the form of a question that ends in the object, which decoders are used to.

`questions.json` has such templates of five relations for every language of mLAMA. They were written for this
project, are under its licence, and come from no data set. Subject and object stand by themselves in them
("Question: [X] – what is the capital? Answer: [Y]"), so that no language has to inflect either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import pyarrow as pa

from factroots_dagster.tables import zip_columns

QuestionSource = Literal["none", "shipped", "release"]
"""No questions; those that come with this package; those of the fact set."""


@cache
def shipped_questions(language: str) -> Mapping[str, str]:
    """The question templates of a language that come with this package, by relation; none for most."""
    path = resources.files("factroots_dagster.facts").joinpath("questions.json")
    templates: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))["templates"]
    return templates.get(language, {})


def find_questions(
    source: QuestionSource, language: str, read_own: Callable[[], pa.Table | None]
) -> Mapping[str, str]:
    """The question templates of a language from a source, by relation; none where the source has none.

    read_own: reads QUESTION_TEMPLATES of the fact set; gives None where it has no such table.
    """
    if source == "shipped":
        return shipped_questions(language)
    own = read_own() if source == "release" else None
    return {} if own is None else dict(zip_columns(own, "relation", "template"))


def ask_with_questions(split: pa.Table, questions: Mapping[str, str]) -> pa.Table:
    """The facts of a split, with a question as the template of the relations that have one.

    split: with the columns relation and template of MLAMA_SPLIT.
    """
    pairs = zip(split["relation"].to_pylist(), split["template"].to_pylist(), strict=True)
    templates = [questions.get(relation, template) for relation, template in pairs]
    position = split.schema.get_field_index("template")
    return split.set_column(position, split.schema.field(position), pa.array(templates, pa.string()))
