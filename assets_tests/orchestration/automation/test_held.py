"""A failed critical check holds what reads the failed partition until it is mended, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from assets_tests.models.folders import checkpoint_folder
from assets_tests.orchestration.automation.lab import Lab, Place
from factroots_dagster.settings import Settings

LANGUAGES = ("bn", "el")
CHECKPOINTS = ("step-1", "step-2")
REPORT = ("categorization_report", "step-2")


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A world in which everything has been made, every check passed, and every test mends what it breaks."""
    folder = tmp_path_factory.mktemp("world")
    for key in CHECKPOINTS:
        checkpoint_folder(folder / "checkpoints" / key)
    settings = Settings(
        world="mlama", data_root=folder / "data", languages=LANGUAGES, checkpoints=folder / "checkpoints"
    )
    with dg.instance_for_test() as instance:
        lab = Lab(settings, instance)
        lab.register(*CHECKPOINTS)
        lab.settle()
        yield lab


def failed(lab: Lab, asset: str, partition: str) -> list[Place]:
    """What is made when a partition comes out new and fails its check."""
    lab.content[asset, partition] = "broken"
    lab.make(asset, partition)
    lab.check(asset, partition, passed=False)
    return lab.settle()


def mended(lab: Lab, asset: str, partition: str) -> list[Place]:
    lab.content[asset, partition] = "mended"
    lab.make(asset, partition)
    lab.check(asset, partition, passed=True)
    return lab.settle()


def test_a_failed_check_of_articles_holds_their_readers_and_no_report(settled: Lab) -> None:
    """A new split comes meanwhile: reports follow it, with the sources of Greek that were good before."""
    assert failed(settled, "wikipedia_articles", "el") == []
    settled.content["mlama_split", "bn"] = "changed"
    settled.make("mlama_split", "bn")
    made = settled.settle()
    assert {("fact_sources", "bn"), ("fact_types", "step-1"), ("categorization_report", "step-2")} <= set(
        made
    )
    assert "el" not in {partition for _, partition in made}
    made = mended(settled, "wikipedia_articles", "el")
    assert {("entity_mentions", "el"), ("fact_sources", "el"), ("categorization_report", "step-1")} <= set(
        made
    )
    assert len(made) == len(set(made))


def test_a_failed_check_of_a_cell_holds_the_report_of_its_checkpoint_alone(settled: Lab) -> None:
    assert failed(settled, "predictions", "step-1|el") == []
    settled.content["fact_sources", "bn"] = "changed"
    settled.make("fact_sources", "bn")
    made = settled.settle()
    assert {
        ("fact_types", "step-2"),
        ("categorization_report", "step-2"),
        ("checkpoint_comparison", None),
    } <= {*made}
    assert "step-1" not in {partition for _, partition in made}
    made = mended(settled, "predictions", "step-1|el")
    assert {("fact_types", "step-1"), ("categorization_report", "step-1")} <= set(made)


def test_a_failed_check_of_what_every_report_reads_holds_every_report(settled: Lab) -> None:
    """A report must not tell of sources that are known to be wrong; it waits for them."""
    assert failed(settled, "fact_sources", "el") == []
    settled.content["predictions", "step-2|bn"] = "changed"
    settled.make("predictions", "step-2|bn")
    made = settled.settle()
    assert ("probing_scores", "step-2") in made and ("language_clusters", "step-2") in made
    assert not {name for name, _ in made} & {"fact_types", "categorization_report"}
    made = mended(settled, "fact_sources", "el")
    assert {(name, key) for name in ("fact_types", "categorization_report") for key in CHECKPOINTS} <= set(
        made
    )


def test_a_warning_holds_nothing(settled: Lab) -> None:
    """Nor does an unmet expectation that is not critical."""
    settled.content["fact_sources", "el"] = "few"
    settled.make("fact_sources", "el")
    settled.check("fact_sources", "el", passed=False, severity=dg.AssetCheckSeverity.WARN)
    assert REPORT in settled.settle()
