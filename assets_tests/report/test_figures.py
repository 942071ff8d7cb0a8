"""Every figure with 53 languages: labels are whole and apart, and everybody can tell the colours apart."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any
from weakref import ref

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from factroots_dagster.report.figures import comparison, knowledge, neurons, roots, style
from factroots_dagster.report.figures.colours import TYPE_COLOURS
from factroots_dagster.report.figures.knowledge import BAR, BASELINES
from factroots_dagster.report.language_names import label_language, language_names
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES
from factroots_dagster.settings import MLAMA_LANGUAGES

LANGUAGES = list(MLAMA_LANGUAGES)
NAMES = language_names()


def label(language: str) -> str:
    return label_language(language, NAMES)


def types() -> Figure:
    counts = {x: {t: 1000 + 100 * i for i, t in enumerate(TYPES)} for x in LANGUAGES}
    ranges = {(x, t): (counts[x][t] - 300, counts[x][t] + 900) for x in LANGUAGES for t in TYPES}
    return roots.plot_types_by_language(counts, LANGUAGES, ranges, label)


def p_at_1() -> Figure:
    score = dict.fromkeys(("majority", "typed_p1", "prior_typed_p1"), 0.3)
    score |= {"full_match": 0.2, "full_match_low": 0.19, "full_match_high": 0.21}
    score |= {f"by_{by}_{end}": v for by in ("subject", "object") for end, v in (("low", 0.1), ("high", 0.3))}
    rows = [score | {"language": x} for x in LANGUAGES]
    return knowledge.plot_p_at_1_by_language(rows, dict.fromkeys(LANGUAGES, 0.1), label)


def absence() -> Figure:
    matchers = ("sentence", "chunk", "article", "chunk_with_aliases", "wordpiece_chunk")
    rows = [{"language": x, "matcher": m, "rate": 0.1 * i} for x in LANGUAGES for i, m in enumerate(matchers)]
    return roots.plot_absence_by_language(rows, LANGUAGES, dict.fromkeys(LANGUAGES, 0.2), label)


def heat_map() -> Figure:
    return knowledge.plot_heat_map(np.random.default_rng(0).random((53, 53)), LANGUAGES, "mean Jaccard")


def sensitivity() -> Figure:
    settings = ["sentence_with_aliases", "wordpiece_chunk", "chunk", "standardised_jaccard", "q 0.05"]
    rows = [
        {"axis": "easy_rule", "setting": s, "is_default": s == "chunk", "type": t, "share": 0.2}
        for s in settings
        for t in PREDICTED_TYPES
    ]
    return roots.plot_sensitivity(rows)


def similarity() -> Figure:
    nulls = (
        "same fact, two languages",
        "other fact, same object",
        "other fact, other object",
        "random neurons",
    )
    means = {s: dict.fromkeys(nulls, 0.2) for s in ("Jaccard of top neurons", "cosine, centred", "z-score")}
    return neurons.plot_similarity(means)


def interventions() -> Figure:
    values = {f"{n}{e}": 0.1 for n in ("logprob_change", "flip_rate") for e in ("", "_low", "_high")}
    kinds = [
        {"intervention": i, "neuron_set": s} for i in ("ablate", "boost") for s in neurons.NEURON_SET_LABELS
    ]
    return neurons.plot_intervention_effects([kind | values for kind in kinds])


def confusion() -> Figure:
    matrix = {kind: dict.fromkeys(TYPES, 12345) for kind in ("shared", "independent", "easy_token")}
    return roots.plot_confusion(matrix, "the paper’s statistic, unseen seeds together")


def agreement() -> Figure:
    bar = {"value": 0.8, "low": 0.7, "high": 0.9, "ours": True}
    bars = [bar | {"label": "ours, on random weights"}] * 4
    return roots.plot_agreement(bars, "AUC of shared against independent, names alike")


def comparison_rows() -> list[dict[str, Any]]:
    return [
        {"checkpoint": f"sandbox-step-{1000 * i}", "order": i, "language": x, "type": t}
        | {"facts": 5, "share": 1 / 6, "full_match": 0.1 + 0.05 * i}
        for i in range(8)
        for x in [*LANGUAGES, "*"]
        for t in TYPES
    ]


def checkpoints() -> Figure:
    ranges = {f"sandbox-step-{1000 * i}": {("*", t): (2, 9) for t in TYPES} for i in range(8)}
    return comparison.plot_checkpoints(comparison_rows(), ranges)


def checkpoints_by_language() -> Figure:
    return comparison.plot_p_at_1_by_checkpoint(comparison_rows(), LANGUAGES, label)


def changes() -> Figure:
    return comparison.plot_changes({(a, b): 1234567 for a in TYPES for b in TYPES}, "a (rows) to b (columns)")


FIGURES: list[Callable[[], Figure]] = [
    types, p_at_1, absence, heat_map, sensitivity, similarity, interventions, confusion, agreement,
    checkpoints, checkpoints_by_language, changes,
]  # fmt: skip


def texts(figure: Figure) -> Iterator[Text]:
    """All texts that are drawn; matplotlib also keeps labels of ticks beyond the ends of an axis."""
    outside = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-6 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - slack <= tick.get_loc() <= high + slack:
                    outside |= {id(tick.label1), id(tick.label2)}
    for text in figure.findobj(Text):
        if (
            isinstance(text, Text)
            and text.get_visible()
            and text.get_text().strip()
            and id(text) not in outside
        ):
            yield text


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_no_label_is_cut_off_or_overlaps_another(draw: Callable[[], Figure]) -> None:
    figure = draw()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    edges = figure.bbox.padded(1)
    for text in texts(figure):
        box = text.get_window_extent(renderer)
        assert edges.x0 <= box.x0 and box.x1 <= edges.x1, (text.get_text(), box, edges)
        assert edges.y0 <= box.y0 and box.y1 <= edges.y1, (text.get_text(), box, edges)
    drawn = {id(text) for text in texts(figure)}
    for axes in figure.axes:
        for labels in (axes.get_yticklabels(), axes.get_xticklabels()):
            shown = [label for label in labels if id(label) in drawn]
            boxes = [label.get_window_extent(renderer).padded(-0.5) for label in shown]
            for (a, one), (b, other) in combinations(zip(shown, boxes, strict=True), 2):
                slanted = a.get_rotation() % 90 != 0
                assert slanted or not one.overlaps(other), (a.get_text(), b.get_text())


def test_languages_are_drawn_in_the_given_order() -> None:
    order = LANGUAGES[::-1]
    counts = {x: dict.fromkeys(TYPES, 1) for x in order}
    rows = [{"language": x, "matcher": "chunk", "rate": 0.1} for x in LANGUAGES]
    figures = {
        "types": roots.plot_types_by_language(counts, order, {}),
        "absence": roots.plot_absence_by_language(rows, order, {}),
        "heat map": knowledge.plot_heat_map(np.zeros((53, 53)), order, "v"),
        "checkpoints": comparison.plot_p_at_1_by_checkpoint(comparison_rows(), order),
    }
    for name, figure in figures.items():
        labels = [label.get_text().split(" ")[0] for label in figure.axes[0].get_yticklabels()]
        assert labels == order, name


# How the colour-blind see linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.0.
DEFICIENCIES = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_colours_of_the_types_differ_for_the_colour_blind(deficiency: str) -> None:
    matrix = np.array(DEFICIENCIES[deficiency])

    def lab(colour: str) -> np.ndarray:
        seen = np.clip(matrix @ (np.array(to_rgb(colour)) ** 2.2), 0, 1)
        xyz = np.array(
            [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
        ) @ seen / [0.9505, 1.0, 1.089]  # fmt: skip
        f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    for a, b in combinations(PREDICTED_TYPES, 2):
        distance = np.linalg.norm(lab(TYPE_COLOURS[a]) - lab(TYPE_COLOURS[b]))
        assert distance > 11, (a, b, distance)


def luminance(colour: str) -> float:
    """Relative luminance, by WCAG 2."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mark", BASELINES.values())
@pytest.mark.parametrize("ground", [BAR, "#FFFFFF"])
def test_marks_of_baselines_stand_out_from_bars_and_page(mark: str, ground: str) -> None:
    assert contrast(mark, ground) >= 3


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, by WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_bars_and_lines_about_neurons_stand_out_from_the_page() -> None:
    bars = [bar for axes in similarity().axes for bar in axes.patches]
    assert len(bars) > 10 and all(contrast(to_hex(bar.get_edgecolor()), "#ffffff") >= 3 for bar in bars)
    statistics = [f"statistic {number}" for number in range(5)]
    rows = [
        {"statistic": name, "k": k, "overlap": 0.5, "random_overlap": 0.1}
        for name in statistics
        for k in (1, 2)
    ]
    (axes,) = neurons.plot_stability(rows, dict(zip(statistics, statistics, strict=True))).axes
    assert len(axes.lines) == 6
    assert all(contrast(to_hex(line.get_color()), "#ffffff") >= 3 for line in axes.lines)


def test_a_type_that_no_fact_has_gets_no_panel() -> None:
    some = dict.fromkeys(TYPES, 1) | {"naming_cue": 0}
    none = dict.fromkeys(TYPES, 0)
    figures = [roots.plot_types_by_language({"qaa": counts}, ["qaa"], {}) for counts in (some, none)]
    titles = [[axes.get_title(loc="left") for axes in figure.axes] for figure in figures]
    assert titles[0] == ["Shared", "Independent", "Transferred", "Easy:\nshared tokens"]
    assert len(titles[1]) == len(PREDICTED_TYPES)


def test_a_figure_with_notes_is_freed_when_nobody_uses_it() -> None:
    figure = roots.plot_types_by_language({"qaa": dict.fromkeys(TYPES, 1)}, ["qaa"], {})
    style.render_svg(figure)
    assert len(style.place_notes(figure)) == len(PREDICTED_TYPES)
    freed = ref(figure)
    del figure
    gc.collect()
    assert freed() is None
