"""Times the prober beside the paper's loop, transformers' fill-mask pipeline and lm-pub-quiz.

Run as `make bench-probing`, or `python -m benchmarks.probing --help` from the project's folder. mLAMA is
passed as an option; its licence forbids distributing it with the project. The model has mBERT's shape and
tokenizer, and random weights: its answers are meaningless, its cost is not.
"""

from __future__ import annotations

import copy
import dataclasses
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import transformers
from safetensors.torch import load_file
from tokenizers import processors

from benchmarks import mbert, probers, probing_results
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.prompts import MaskCounts

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("FACTROOTS_TEST_DATA", PROJECT.parent / "shared" / "data"))
VOCABULARY = 119_547
PLANTED = 0.09  # share of rows that get the model's own answer as their object: mBERT's P@1 over mLAMA
TOLERANCE = 1e-4  # log-probabilities and activations that differ by less are the same
SLOW_LANGUAGES = 2  # how many languages lm-pub-quiz and the pipeline are run on


@dataclass(frozen=True)
class Sample:
    """Rows of one language's relation, in file order, as MLAMA_SPLIT and as plain rows."""

    split: pa.Table
    rows: list[dict[str, Any]]


def save_model(folder: Path, seed: int) -> None:
    """mBERT's shape, random weights, spread widely enough for answers to differ from prompt to prompt."""
    torch.manual_seed(seed)
    config = transformers.BertConfig(vocab_size=VOCABULARY, initializer_range=0.05)
    transformers.BertForMaskedLM(config).save_pretrained(folder)


def draw_samples(release: Path, languages: list[str], size: int, seed: int) -> list[Sample]:
    """For each language the first `size` rows of one relation, drawn with the seed."""
    random = np.random.default_rng(seed)
    samples = []
    for language in languages:
        split = read_split(release, language)
        names, counts = np.unique(split["relation"].to_pylist(), return_counts=True)
        relation = random.choice(names[counts >= size])
        rows = [row for row in split.to_pylist() if row["relation"] == relation][:size]
        samples.append(Sample(pa.Table.from_pylist(rows, schema=MLAMA_SPLIT), rows))
        click.echo(f"{language}: {relation}, {len(rows)} rows")
    return samples


def plant_answers(model: LoadedModel, samples: list[Sample], seed: int) -> tuple[list[Sample], int]:
    """The samples with the model's own answer as the object of some rows, and the number of those rows.

    A random model is never correct, and then there would be no neurons to read. Only answers that are one
    whole word can be planted: the label has to become the predicted token again.
    """
    random = np.random.default_rng(seed)
    changed, planted = [], 0
    for sample in samples:
        rows = [dict(row) for row in sample.rows]
        answers = probers.fill_mask_pipeline(model.model, model.tokenizer, rows, 32).predicted
        wanted = round(PLANTED * len(rows))
        for index in random.permutation(len(rows)).tolist():
            label = model.tokenizer.decode(answers[index, 1])
            if wanted and model.tokenizer(label, add_special_tokens=False)["input_ids"] == answers[index, 1]:
                rows[index]["object"] = label
                wanted, planted = wanted - 1, planted + 1
        changed.append(Sample(pa.Table.from_pylist(rows, schema=MLAMA_SPLIT), rows))
    return changed, planted


def run_prober(
    model: LoadedModel, samples: list[Sample], folder: Path, mask_counts: MaskCounts = "relation"
) -> tuple[pa.Table, dict[str, torch.Tensor]]:
    """The prober as the platform runs it: predictions, and neurons of correct rows by language and uuid."""
    tables, stored = [], {}
    for number, sample in enumerate(samples):
        output = folder / str(number)
        output.mkdir(parents=True)
        tables.append(probe(model, sample.split, output, mask_counts=mask_counts))
        for row in pq.read_table(output / "data.parquet").to_pylist():
            stored[f"{row['language']} {row['uuid']}"] = (output / row["file"], row["row"])
    return pa.concat_tables(tables), {
        key: load_file(path)["activations"][row] for key, (path, row) in stored.items()
    }


def compare(table: pa.Table, neurons: dict[str, torch.Tensor], other: probers.ProberResult) -> dict[str, int]:
    """Counts of prompts and correct rows on which the prober agrees with another way.

    table, neurons: what `run_prober` returned. Raises where the neurons differ.
    """
    ours = table.select(["uuid", "language", "predicted_ids", "matched_mask_count"]).to_pylist()
    same = prompts = 0
    for (index, k), expected in other.predicted.items():
        answer = ours[index]["predicted_ids"][k - 1]
        if answer:  # empty where the prober leaves out a mask count that no object can need
            prompts += 1
            same += answer == expected
    correct = {
        index: row["matched_mask_count"] for index, row in enumerate(ours) if row["matched_mask_count"]
    }
    judged = bool(other.matched)  # the pipeline does not say which rows are correct
    for index, their_neurons in other.neurons.items():
        vector = neurons.get(f"{ours[index]['language']} {ours[index]['uuid']}")
        if vector is None or not torch.allclose(vector, their_neurons, rtol=TOLERANCE, atol=TOLERANCE):
            raise click.ClickException(f"row {index}: the neurons differ")
    return {
        "prompts": prompts,
        "same": same,
        "correct": len(correct),
        "correct_same": not judged or correct == other.matched,
    }


@click.command()
@click.option("--mlama", type=Path, default=DATA / "mlama1.1.tar.xz", help="mLAMA release, folder or archive")
@click.option("--languages", default="en,de,vi", show_default=True, help="comma-separated codes")
@click.option("--rows", default=128, show_default=True, help="rows of each language's relation")
@click.option("--rounds", default=3, show_default=True, help="how often each way is timed")
@click.option("--seed", default=0, show_default=True, help="of the weights and of the samples")
@click.option("--work", type=Path, help="folder for intermediate files; by default a temporary one")
@click.option("--output", type=Path, default=PROJECT / "benchmarks" / "results", help="folder of the results")
def main(
    mlama: Path, languages: str, rows: int, rounds: int, seed: int, work: Path | None, output: Path
) -> None:
    """Time one thread of every way on the same prompts, in turn; write a table, a CSV and a figure."""
    if not mlama.exists():
        click.echo(f"Skipped: {mlama} does not exist; name the data with --mlama.")
        return
    tokenizer = mbert.tokenizer()
    if tokenizer is None:
        raise click.ClickException(
            "BlingFire, which holds mBERT's vocabulary, is missing: make bench-probing"
        )
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    transformers.utils.logging.set_verbosity_error()
    with TemporaryDirectory(prefix="bench-probing-", dir=work) as temporary:
        folder = Path(temporary)
        (folder / "mlama").mkdir()
        acquire_release(str(mlama), folder / "mlama")
        tokenizer.save_pretrained(folder / "model")
        save_model(folder / "model", seed)
        model = load(str(folder / "model"), device="cpu")
        half = load(str(folder / "model"), device="cpu", dtype="bfloat16")
        samples = draw_samples(folder / "mlama", languages.split(","), rows, seed)
        samples, planted = plant_answers(model, samples, seed)
        click.echo(f"{planted} rows have the model's own answer as their object")
        benchmark = Benchmark(model, half, samples, folder)
        for number in range(1, rounds + 1):
            benchmark.run_round(number)
    output.mkdir(parents=True, exist_ok=True)
    sentence = describe_samples(samples, planted)
    probing_results.write(benchmark.measured, benchmark.agreement, sentence, rounds, output)
    click.echo((output / "probing.md").read_text())


def describe_samples(samples: list[Sample], planted: int) -> str:
    """Which rows are asked, in a sentence."""
    relations = ", ".join(f"{sample.rows[0]['language']} {sample.rows[0]['relation']}" for sample in samples)
    rows = sum(len(sample.rows) for sample in samples)
    return f"{rows:,} rows of mLAMA 1.1 ({relations}); {planted} have the model's own answer as their object."


class Benchmark:
    """Seconds of CPU of every way, and how far each agrees with the prober."""

    def __init__(self, model: LoadedModel, half: LoadedModel, samples: list[Sample], folder: Path):
        self.model, self.half, self.samples, self.folder = model, half, samples, folder
        self.few = samples[:SLOW_LANGUAGES]
        self.rows = [row for sample in samples for row in sample.rows]
        self.few_rows = [row for sample in self.few for row in sample.rows]
        self.one_mask = [with_one_token_objects(model, sample) for sample in self.few]
        self.bare = without_special_tokens(model)
        self.measured: list[dict[str, Any]] = []
        self.agreement: dict[str, dict[str, int]] = {}

    def run_round(self, number: int) -> None:
        """Runs every way once; all comparisons with fp32 have to agree."""
        self.compare_loop(number)
        self.compare_pipeline(number)
        self.compare_typed(number)

    def compare_loop(self, number: int) -> None:
        """The prober, with its own mask counts and in bf16 too, and the paper's loop."""
        model, tokenizer = self.model.model, self.model.tokenizer
        ours = self.measure(
            number,
            "loop",
            "ours",
            lambda: run_prober(self.model, self.samples, self.folder / f"loop-{number}"),
        )
        theirs = self.measure(
            number, "loop", "theirs", lambda: probers.papers_loop(model, tokenizer, self.rows)
        )
        self.agreement["loop"] = require_agreement(compare(ours[0], ours[1], theirs))
        own = self.measure(
            number,
            "loop",
            "ours, own mask counts",
            lambda: run_prober(self.model, self.samples, self.folder / f"own-{number}", "object"),
        )
        self.agreement["own"] = require_agreement(compare(own[0], own[1], theirs))
        half = self.measure(
            number,
            "loop",
            "ours in bf16",
            lambda: run_prober(self.half, self.samples, self.folder / f"bf16-{number}"),
        )
        answers_only = probers.ProberResult(theirs.predicted, theirs.matched)
        self.agreement["bf16"] = compare(half[0], half[1], answers_only)

    def compare_pipeline(self, number: int) -> None:
        """The prober and the fill-mask pipeline, which asks with one mask only."""
        model, tokenizer = self.model.model, self.model.tokenizer
        table, _ = self.measure(
            number,
            "pipeline",
            "ours",
            lambda: run_prober(self.model, self.one_mask, self.folder / f"pipeline-{number}"),
        )
        for size in (1, 32):
            theirs = self.measure(
                number,
                "pipeline",
                f"theirs, batch {size}",
                lambda size=size: probers.fill_mask_pipeline(model, tokenizer, self.few_rows, size),
            )
            self.agreement["pipeline"] = require_agreement(compare(table, {}, theirs))

    def compare_typed(self, number: int) -> None:
        """The prober and lm-pub-quiz' ranking of candidates."""
        table, _ = self.measure(
            number,
            "typed",
            "ours",
            lambda: run_prober(self.bare, self.few, self.folder / f"typed-{number}"),
        )
        scores = self.measure(
            number,
            "typed",
            "theirs",
            lambda: probers.lm_pub_quiz(self.model.model, self.bare.tokenizer, self.few_rows),
        )
        self.agreement["typed"] = require_agreement(compare_scores(table, self.few, scores))

    def measure(self, number: int, comparison: str, way: str, run: Callable[[], Any]) -> Any:
        """The result of `run`, whose time is recorded."""
        start, cpu = time.perf_counter(), time.process_time()
        result = run()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        self.measured.append(
            {
                "comparison": comparison,
                "way": way,
                "round": number,
                "cpu_seconds": cpu,
                "seconds": seconds,
            }
        )
        click.echo(f"round {number}, {comparison}, {way}: {cpu:.1f} s")
        return result


def require_agreement(counts: dict[str, int]) -> dict[str, int]:
    """The counts; raises unless everything that was compared is the same."""
    if counts["same"] < counts["prompts"] or not counts.get("correct_same", True):
        raise click.ClickException(f"the answers differ: {counts}")
    return counts


def with_one_token_objects(model: LoadedModel, sample: Sample) -> Sample:
    """The sample with objects of one token only: the prober then asks with one mask, as the pipeline does."""
    labels = [row["object"] for row in sample.rows]
    short = [len(ids) == 1 for ids in model.tokenizer(labels, add_special_tokens=False)["input_ids"]]
    substitute = labels[short.index(True)]
    rows = [
        row if is_short else {**row, "object": substitute}
        for row, is_short in zip(sample.rows, short, strict=True)
    ]
    return Sample(pa.Table.from_pylist(rows, schema=MLAMA_SPLIT), rows)


def without_special_tokens(model: LoadedModel) -> LoadedModel:
    """The model with a tokenizer that adds no [CLS] and [SEP].

    lm-pub-quiz 0.3.3 counts them as tokens of a candidate; only without them it asks with as many masks as
    the candidate has tokens.
    """
    tokenizer = copy.deepcopy(model.tokenizer)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A", special_tokens=[])
    return dataclasses.replace(model, tokenizer=tokenizer)


def compare_scores(table: pa.Table, samples: list[Sample], scores: list[list[float]]) -> dict[str, int]:
    """On how many rows with an object of one token the object's score is the same.

    For longer objects lm-pub-quiz 0.3.3 averages every token at every mask, which is another score.
    """
    same = compared = 0
    results = iter(zip(table.to_pylist(), scores, strict=True))
    for sample in samples:
        candidates = sorted({row["object"] for row in sample.rows})
        for row, (ours, theirs) in zip(sample.rows, results, strict=False):
            if len(ours["object_ids"]) == 1:
                compared += 1
                expected = theirs[candidates.index(row["object"])]
                same += abs(ours["object_logprob"] - expected) < TOLERANCE
    return {"prompts": compared, "same": same}


if __name__ == "__main__":
    main()
