"""A failed blocking check holds back what reads the partition until it is corrected, and nothing else."""

from __future__ import annotations

from assets_tests.orchestration.automation.lab import CHECKPOINTS, Lab, Partition
from factroots_dagster.orchestration.checks.bridge import WARNING

REPORT = ("categorization_report", "step-2")


def failed(lab: Lab, asset: str, partition: str) -> list[Partition]:
    """What is made when a partition comes out new and fails its check."""
    lab.content[asset, partition] = "broken"
    lab.make(asset, partition)
    lab.check(asset, partition, passed=False)
    return lab.settle()


def corrected(lab: Lab, asset: str, partition: str) -> list[Partition]:
    lab.content[asset, partition] = "corrected"
    lab.make(asset, partition)
    lab.check(asset, partition, passed=True)
    return lab.settle()


def test_a_failed_check_of_articles_holds_their_readers_and_no_report(lab: Lab) -> None:
    """A new split comes meanwhile: reports follow it, with the sources of Greek that were good before."""
    assert failed(lab, "wikipedia_articles", "el") == []
    lab.content["mlama_split", "bn"] = "changed"
    lab.make("mlama_split", "bn")
    made = lab.settle()
    assert {("fact_sources", "bn"), ("fact_types", "step-1"), ("categorization_report", "step-2")} <= set(
        made
    )
    assert "el" not in {partition for _, partition in made}
    made = corrected(lab, "wikipedia_articles", "el")
    assert {("entity_mentions", "el"), ("fact_sources", "el"), ("categorization_report", "step-1")} <= set(
        made
    )
    assert len(made) == len(set(made))


def test_a_failed_check_of_a_cell_holds_the_report_of_its_checkpoint_alone(lab: Lab) -> None:
    assert failed(lab, "predictions", "step-1|el") == []
    lab.content["fact_sources", "bn"] = "changed"
    lab.make("fact_sources", "bn")
    made = lab.settle()
    assert {
        ("fact_types", "step-2"),
        ("categorization_report", "step-2"),
        ("checkpoint_comparison", None),
    } <= {*made}
    assert "step-1" not in {partition for _, partition in made}
    made = corrected(lab, "predictions", "step-1|el")
    assert {("fact_types", "step-1"), ("categorization_report", "step-1")} <= set(made)


def test_a_failed_check_of_what_every_report_reads_holds_every_report(lab: Lab) -> None:
    """A report must not tell of sources that are known to be wrong; it waits for them."""
    assert failed(lab, "fact_sources", "el") == []
    lab.content["predictions", "step-2|bn"] = "changed"
    lab.make("predictions", "step-2|bn")
    made = lab.settle()
    assert ("probing_scores", "step-2") in made and ("language_clusters", "step-2") in made
    assert not {name for name, _ in made} & {"fact_types", "categorization_report"}
    made = corrected(lab, "fact_sources", "el")
    assert {(name, key) for name in ("fact_types", "categorization_report") for key in CHECKPOINTS} <= set(
        made
    )


def test_a_warning_holds_nothing(lab: Lab) -> None:
    lab.content["fact_sources", "el"] = "few"
    lab.make("fact_sources", "el")
    lab.check("fact_sources", "el", passed=False, check=WARNING)
    assert REPORT in lab.settle()
