"""Times the prober beside the paper's loop, transformers' fill-mask pipeline and lm-pub-quiz.

Run as `make bench-probing`, or `python -m benchmarks.probing --help` from the project's folder. mLAMA is
given from outside; its licence forbids keeping it here. The model has mBERT's shape and tokenizer, and random
weights: what it says is meaningless, what it costs is not.
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
from factroots_dagster.probing.engine import probe
from factroots_dagster.probing.prompts import MaskCounts

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("FACTROOTS_TEST_DATA", PROJECT.parent / "shared" / "data"))
VOCABULARY = 119_547
PLANTED = 0.09  # of the rows get the model's own answer as their object: mBERT's P@1 over mLAMA
NEAR = 1e-4  # log-probabilities and activations that differ by less are the same
FEW = 2  # languages of which lm-pub-quiz and the pipeline are asked


@dataclass(frozen=True)
class Sample:
    """Rows of one language's relation, in file order, as MLAMA_SPLIT and as plain rows."""

    split: pa.Table
    rows: list[dict[str, Any]]


def save_model(folder: Path, seed: int) -> None:
    """mBERT's shape, random weights; their spread is so wide that answers differ from prompt to prompt."""
    torch.manual_seed(seed)
    config = transformers.BertConfig(vocab_size=VOCABULARY, initializer_range=0.05)
    transformers.BertForMaskedLM(config).save_pretrained(folder)


def draw(release: Path, languages: list[str], size: int, seed: int) -> list[Sample]:
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


def planted(model: LoadedModel, samples: list[Sample], seed: int) -> tuple[list[Sample], int]:
    """The samples with the model's own answer as the object of some rows, and how many.

    A random model is never right, and then there would be no neurons to take. Only answers that are one
    whole word can be planted: the label has to become the predicted token again.
    """
    random = np.random.default_rng(seed)
    made, done = [], 0
    for sample in samples:
        rows = [dict(row) for row in sample.rows]
        answers = probers.fill_mask_pipeline(model.model, model.tokenizer, rows, 32).predicted
        wanted = round(PLANTED * len(rows))
        for index in random.permutation(len(rows)).tolist():
            label = model.tokenizer.decode(answers[index, 1])
            if wanted and model.tokenizer(label, add_special_tokens=False)["input_ids"] == answers[index, 1]:
                rows[index]["object"] = label
                wanted, done = wanted - 1, done + 1
        made.append(Sample(pa.Table.from_pylist(rows, schema=MLAMA_SPLIT), rows))
    return made, done


def ours(
    model: LoadedModel, samples: list[Sample], folder: Path, counts: MaskCounts = "relation"
) -> tuple[pa.Table, dict[str, torch.Tensor]]:
    """The prober as the platform runs it: predictions, and the neurons of right rows by uuid and language."""
    tables, neurons = [], {}
    for number, sample in enumerate(samples):
        place = folder / str(number)
        place.mkdir(parents=True)
        tables.append(probe(model, sample.split, place, mask_counts=counts))
        for row in pq.read_table(place / "data.parquet").to_pylist():
            neurons[f"{row['language']} {row['uuid']}"] = (place / row["file"], row["row"])
    return pa.concat_tables(tables), {
        key: load_file(path)["activations"][row] for key, (path, row) in neurons.items()
    }


def compare(
    table: pa.Table, neurons: dict[str, torch.Tensor], samples: list[Sample], other: probers.Found
) -> dict[str, int]:
    """Counts of prompts and right rows on which two ways agree; raises where the neurons differ."""
    made = table.select(["uuid", "language", "predicted_ids", "matched_mask_count"]).to_pylist()
    same = prompts = 0
    for (index, k), answer in other.predicted.items():
        said = made[index]["predicted_ids"][k - 1]
        if said:  # else no object needs so many masks, or the row's own does not, and they are not asked
            prompts += 1
            same += said == answer
    right = {index: row["matched_mask_count"] for index, row in enumerate(made) if row["matched_mask_count"]}
    judged = bool(other.matched)  # the pipeline does not say which rows are right
    for index, vector in other.neurons.items():
        mine = neurons.get(f"{made[index]['language']} {made[index]['uuid']}")
        if mine is None or not torch.allclose(mine, vector, rtol=NEAR, atol=NEAR):
            raise click.ClickException(f"row {index}: the neurons differ")
    return {
        "prompts": prompts,
        "same": same,
        "right": len(right),
        "right_same": not judged or right == other.matched,
    }


@click.command()
@click.option("--mlama", type=Path, default=DATA / "mlama1.1.tar.xz", help="mLAMA release, folder or archive")
@click.option("--languages", default="en,de,vi", show_default=True, help="comma-separated codes")
@click.option("--rows", default=128, show_default=True, help="rows of each language's relation")
@click.option("--rounds", default=3, show_default=True, help="how often each way is timed")
@click.option("--seed", default=0, show_default=True, help="of the weights and of the draws")
@click.option("--work", type=Path, help="folder for what is written on the way; by default a temporary one")
@click.option("--output", type=Path, default=PROJECT / "benchmarks" / "results", help="folder of the results")
def main(
    mlama: Path, languages: str, rows: int, rounds: int, seed: int, work: Path | None, output: Path
) -> None:
    """Time one thread of every way on the same prompts, in turn; write a table, a CSV and a picture."""
    if not mlama.exists():
        click.echo(f"Skipped: {mlama} is not there; name the data with --mlama.")
        return
    tokenizer = mbert.tokenizer()
    if tokenizer is None:
        raise click.ClickException("BlingFire holds mBERT's vocabulary and is missing: make bench-probing")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    transformers.utils.logging.set_verbosity_error()
    with TemporaryDirectory(prefix="bench-probing-", dir=work) as temporary:
        place = Path(temporary)
        (place / "mlama").mkdir()
        acquire_release(str(mlama), place / "mlama")
        tokenizer.save_pretrained(place / "model")
        save_model(place / "model", seed)
        model = load(str(place / "model"), device="cpu")
        half = load(str(place / "model"), device="cpu", dtype="bfloat16")
        samples = draw(place / "mlama", languages.split(","), rows, seed)
        samples, count = planted(model, samples, seed)
        click.echo(f"{count} rows have the model's own answer as their object")
        measured, agreement = timed(model, half, samples, rounds, place)
    output.mkdir(parents=True, exist_ok=True)
    probing_results.write(measured, agreement, samples_said(samples, count), rounds, output)
    click.echo((output / "probing.md").read_text())


def samples_said(samples: list[Sample], planted: int) -> str:
    """Which rows are asked, in a sentence."""
    chosen = ", ".join(f"{sample.rows[0]['language']} {sample.rows[0]['relation']}" for sample in samples)
    rows = sum(len(sample.rows) for sample in samples)
    return f"{rows:,} rows of mLAMA 1.1 ({chosen}); {planted} have the model's own answer as their object."


def timed(
    model: LoadedModel, half: LoadedModel, samples: list[Sample], rounds: int, place: Path
) -> tuple[list[dict[str, Any]], dict[str, dict[str, int]]]:
    """Seconds of CPU of every way, `rounds` times in turn, and how far each agrees with the prober."""
    few = samples[:FEW]
    all_rows = [row for sample in samples for row in sample.rows]
    few_rows = [row for sample in few for row in sample.rows]
    one_mask = [one_token_objects(model, sample) for sample in few]
    bare = without_special_tokens(model)
    measured: list[dict[str, Any]] = []
    agreement: dict[str, dict[str, int]] = {}
    for number in range(1, rounds + 1):

        def measure(comparison: str, way: str, run: Callable[[], Any], number: int = number) -> Any:
            start, cpu = time.perf_counter(), time.process_time()
            made = run()
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            measured.append(
                {
                    "comparison": comparison,
                    "way": way,
                    "round": number,
                    "cpu_seconds": cpu,
                    "seconds": seconds,
                }
            )
            click.echo(f"round {number}, {comparison}, {way}: {cpu:.1f} s")
            return made

        def folder(name: str, number: int = number) -> Path:
            return place / f"{name}-{number}"

        mine = measure("loop", "ours", lambda: ours(model, samples, folder("loop")))
        theirs = measure(
            "loop", "theirs", lambda: probers.papers_loop(model.model, model.tokenizer, all_rows)
        )
        agreement["loop"] = agreed(compare(*mine, samples, theirs))
        fewer = measure(
            "loop", "ours, own mask counts", lambda: ours(model, samples, folder("own"), "object")
        )
        agreement["own"] = agreed(compare(*fewer, samples, theirs))
        rounded = measure("loop", "ours in bf16", lambda: ours(half, samples, folder("bf16")))
        agreement["bf16"] = compare(*rounded, samples, probers.Found(theirs.predicted, theirs.matched))
        mine = measure("pipeline", "ours", lambda: ours(model, one_mask, folder("pipeline")))
        for size in (1, 32):
            theirs = measure(
                "pipeline",
                f"theirs, batch {size}",
                lambda size=size: probers.fill_mask_pipeline(model.model, model.tokenizer, few_rows, size),
            )
            agreement["pipeline"] = agreed(compare(mine[0], {}, few, theirs))
        mine = measure("typed", "ours", lambda: ours(bare, few, folder("typed")))
        scores = measure(
            "typed", "theirs", lambda: probers.lm_pub_quiz(model.model, bare.tokenizer, few_rows)
        )
        agreement["typed"] = agreed(compare_scores(mine[0], few, scores))
    return measured, agreement


def agreed(counts: dict[str, int]) -> dict[str, int]:
    """The counts, if everything that was compared is the same."""
    if counts["same"] < counts["prompts"] or not counts.get("right_same", True):
        raise click.ClickException(f"the answers differ: {counts}")
    return counts


def one_token_objects(model: LoadedModel, sample: Sample) -> Sample:
    """The sample with objects of one token only: the prober then asks with one mask, as the pipeline does."""
    labels = [row["object"] for row in sample.rows]
    short = [len(ids) == 1 for ids in model.tokenizer(labels, add_special_tokens=False)["input_ids"]]
    other = labels[short.index(True)]
    rows = [row if fits else {**row, "object": other} for row, fits in zip(sample.rows, short, strict=True)]
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

    Of longer objects lm-pub-quiz 0.3.3 averages every token at every mask, which is another score.
    """
    same = compared = 0
    made = iter(zip(table.to_pylist(), scores, strict=True))
    for sample in samples:
        candidates = sorted({row["object"] for row in sample.rows})
        for row, (said, theirs) in zip(sample.rows, made, strict=False):
            if len(said["object_ids"]) == 1:
                compared += 1
                same += abs(said["object_logprob"] - theirs[candidates.index(row["object"])]) < NEAR
    return {"prompts": compared, "same": same}


if __name__ == "__main__":
    main()
