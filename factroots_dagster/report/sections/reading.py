"""Whether the texts in which sources were looked for are those that the model has read."""

from __future__ import annotations

from collections.abc import Iterable

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import join_words
from factroots_dagster.roots.corpora import WIKIPEDIA

ELSEWHERE = "a fact without a source there may have one elsewhere"


def describe_reading(inputs: ReportInputs) -> str:
    """What the model has read beside the texts that were searched; empty where these are the same."""
    named, trained_on = inputs.checkpoint.get("corpora"), inputs.checkpoint["corpus"]
    searched = name_corpora(inputs.corpora)
    if named is not None:
        said = f"Sources count in the corpora that the model is registered as trained on: {searched}."
        if missing := {*named} - {*inputs.corpora}:
            said += (
                f" It is also registered as trained on {name_corpora(missing)}, which could not be searched: "
            )
            said += f"{ELSEWHERE}."
        return said
    if trained_on == "sandbox" or (trained_on == WIKIPEDIA and set(inputs.corpora) <= {WIKIPEDIA}):
        return ""
    if trained_on == WIKIPEDIA:
        return (
            f"The model was trained on Wikipedia, and sources were looked for in {searched}: some that were "
            "found it has not read."
        )
    read = "The model was trained on text from the web"
    if trained_on == "unknown":
        read = "It is not known what the model was trained on"
    return f"{read}, and sources were looked for in {searched}: {ELSEWHERE}."


def may_have_read_elsewhere(inputs: ReportInputs) -> bool:
    """Whether the model has read texts that were not searched, or may have."""
    return ELSEWHERE in describe_reading(inputs)


def describe_training(inputs: ReportInputs) -> str:
    """What the model was trained on, in a word or two."""
    named = inputs.checkpoint.get("corpora")
    return str(inputs.checkpoint["corpus"]) if named is None else name_corpora(named)


def name_corpora(corpora: Iterable[str]) -> str:
    """The names of corpora in a sentence."""
    return join_words(["Wikipedia" if name == WIKIPEDIA else name for name in sorted(corpora)])
