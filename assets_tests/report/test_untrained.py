"""What the page says of the untrained twins: figures beside theirs, and in words whether they differ."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.report.pages import Page, read_page, write_new_report
from assets_tests.report.small_world import SmallWorld, report_inputs
from assets_tests.roots.tables import rows
from factroots_dagster.neurons.schema import UNTRAINED_TWINS
from factroots_dagster.report.sections.untrained import say_difference

HEADINGS = ["measure", "facts", "trained", "untrained", "trained minus untrained"]


@pytest.fixture(scope="module")
def page(world: SmallWorld, types: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("twin") / "report"
    write_new_report(folder, report_inputs(world, types))
    return read_page(folder)


def test_every_figure_stands_beside_that_of_the_untrained_twins(page: Page) -> None:
    shown = [[[*row[:3], row[4]] for row in table[1:]] for table in page.tables if table[0] == HEADINGS]
    assert sorted(shown) == sorted(
        [
            [
                ["Jaccard of top neurons", "40", "0.400", "+0.020 [-0.030, +0.070]"],
                [
                    "Jaccard of top neurons, subject and object written alike", "40", "0.700",
                    "+0.000 [-0.050, +0.050]",
                ],
                ["Jaccard of top neurons, beyond same object", "40", "0.100", "+0.080 [+0.050, +0.110]"],
            ],
            [["Jaccard of top neurons", "40", "0.500", "-0.100 [-0.140, -0.060]"]],
            [
                ["layer 1", "40", "0.200", "-0.300 [-0.400, -0.200]"],
                ["layer 2", "40", "0.800", "+0.300 [+0.200, +0.400]"],
            ],
            [
                ["ablate: the fact's own", "40", "-0.300", "-0.300 [-0.400, -0.200]"],
                ["ablate: own less random, same layers", "40", "-0.010", "-0.010 [-0.030, +0.010]"],
            ],
            [
                ["RankC, all facts", "40", "0.500", "+0.200 [+0.100, +0.300]"],
                ["beyond other object, all facts", "40", "0.200", "+0.200 [+0.100, +0.300]"],
                ["beyond other object, written differently", "40", "0.200", "+0.200"],
            ],
        ]
    )  # fmt: skip
    untrained = {row[3] for table in page.tables if table[0] == HEADINGS for row in table[1:]}
    assert {"0.380 (0.370 to 0.390)", "0.000 (-0.010 to 0.010)"} <= untrained


def test_it_is_said_in_words_whether_there_is_a_difference(page: Page) -> None:
    said = (
        "The overlap of a fact’s top neurons in two languages is 0.400 in the trained model and 0.380 (0.370 "
        "to 0.390) in its untrained twins. The difference (+0.020 [-0.030, +0.070]) may be chance: it says "
        "nothing about what was learnt.",
        "Its excess over that of other facts with the same object is 0.100 in the trained model and 0.020 "
        "(0.010 to 0.030) in its untrained twins, a difference of +0.080 [+0.050, +0.110] that training "
        "made.",
        "a difference of -0.100 [-0.140, -0.060] that training made.",
        "In 2 of 2 layers the share differs from that of the untrained twins",
        "-0.010 in the trained model and 0.000 (-0.010 to 0.010) in its untrained twins. The difference",
        "RankC is 0.500 in the trained model and 0.300 (0.290 to 0.310) in its untrained twins, a difference",
        "The same for facts whose names are written differently: too few facts to compare",
    )
    for sentence in said:
        assert sentence in page.text, sentence


def test_the_size_of_the_sample_is_stated(page: Page) -> None:
    assert page.text.count("The untrained twins are 5 models of the same configuration") == 5
    assert page.text.count("predicted facts: at most 30 of a language, 90 over 3 languages.") == 4
    assert "random facts, with their objects as candidates: at most 50 of a language, 150 over" in page.text


def test_the_overlap_of_each_pair_of_languages_is_drawn_less_that_of_the_twins(
    world: SmallWorld, types: pa.Table, tmp_path: Path
) -> None:
    write_new_report(tmp_path / "report", report_inputs(world, types))
    assert (tmp_path / "report" / "figures" / "similarity_beyond_untrained.svg").is_file()


def test_the_data_of_each_figure_have_every_pair_of_languages(
    world: SmallWorld, types: pa.Table, tmp_path: Path
) -> None:
    write_new_report(tmp_path / "report", report_inputs(world, types))
    for figure, count in {"similarity": 6, "layers": 4, "consistency": 6}.items():
        lines = (tmp_path / "report" / "data" / f"untrained_{figure}.csv").read_text("utf-8").splitlines()
        assert len(lines) == 1 + count and any('"qaa","qab"' in line for line in lines)


def test_layers_that_do_not_differ_and_layers_of_too_few_facts_are_said_so(
    world: SmallWorld, types: pa.Table, tmp_path: Path
) -> None:
    row = {"figure": "layers", "names": "all", "language_a": "*", "language_b": "*", "n": 9, "facts": 9}
    row |= {"trained": 0.5, "untrained": 0.5, "untrained_least": 0.4, "untrained_most": 0.6}
    row |= {"twins": 5, "difference": 0.0}
    ends = {"difference_low": -0.1, "difference_high": 0.1}
    for name, more, sentence in (
        ("equal", ends, "No difference: in no layer is the share unlike that of the untrained twins"),
        ("few", {}, "Too few facts to compare the layers with those of the untrained twins."),
    ):
        table = rows(UNTRAINED_TWINS, [row | {"measure": layer} | more for layer in ("0", "1")])
        write_new_report(tmp_path / name, report_inputs(world, types, untrained_twins=table))
        assert sentence in read_page(tmp_path / name).text


@pytest.mark.parametrize(
    ("low", "high", "ending"),
    [
        (-0.2, 0.4, "it says nothing about what was learnt."),
        (0.0, 0.2, "it says nothing about what was learnt."),
        (0.05, 0.15, "that training made."),
        (-0.3, -0.1, "that training made."),
        (None, None, "too few facts to compare with the untrained twins."),
    ],
)
def test_a_difference_is_one_whose_interval_leaves_out_zero(
    low: float | None, high: float | None, ending: str
) -> None:
    row = {
        "trained": 0.3,
        "untrained": 0.2,
        "untrained_least": 0.1,
        "untrained_most": 0.3,
        "difference": 0.1,
        "difference_low": low,
        "difference_high": high,
    }
    assert say_difference("It", row).endswith(ending)


def test_without_the_twins_the_sections_are_as_before(
    world: SmallWorld, types: pa.Table, tmp_path: Path
) -> None:
    without = report_inputs(world, types, without=("untrained_twins", "untrained_sample"))
    write_new_report(tmp_path / "without", without)
    page = read_page(tmp_path / "without")
    assert HEADINGS not in [table[0] for table in page.tables]
    assert "untrained twin" not in page.text
    assert "Do languages use the same neurons?" in page.text
