"""The table of planted truth: kinds and sources follow from who states what, among the chosen languages."""

from __future__ import annotations

import collections

from assets_tests.sandbox.small_worlds import small_world
from factroots_dagster.sandbox.entities import name_link
from factroots_dagster.sandbox.languages import LANGUAGES, linked_languages
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.schema import NAME_LINKS, PLANTED_KINDS, PLANTED_TRUTH, STATED_HOW
from factroots_dagster.sandbox.truth import planted_truth_table


def test_the_table_has_a_row_for_every_fact_and_language(any_world: World) -> None:
    table = planted_truth_table(any_world)
    assert table.schema == PLANTED_TRUTH
    rows = [(row["uuid"], row["language"]) for row in table.to_pylist()]
    assert len(set(rows)) == len(rows) == 472 * 8
    assert all(table["mentioned"].to_pylist())


def test_kinds_follow_from_what_is_stated_where(world: World) -> None:
    truth = planted_truth_table(world).to_pylist()
    stating = collections.defaultdict(set)
    for row in truth:
        if row["stated"]:
            stating[row["uuid"]].add(row["language"])
    for row in truth:
        has_link = row["fact_kind"] != "independent" and bool(linked_languages(row["language"], LANGUAGES))
        sources = (
            stating[row["uuid"]] & set(linked_languages(row["language"], LANGUAGES)) if has_link else set()
        )
        assert (row["linked_source"] in sources) if sources else row["linked_source"] is None
        assert (row["stated_how"] in STATED_HOW) if row["stated"] else row["stated_how"] is None
        assert row["kind"] in PLANTED_KINDS
        if row["fact_kind"].startswith("easy"):
            assert row["kind"] == row["fact_kind"]
        elif row["stated"]:
            assert row["kind"] == ("shared" if has_link else "independent")
        elif sources:
            assert row["kind"] == "transferred"
        else:
            assert row["kind"] == ("unlinked" if stating[row["uuid"]] else "unknown")
        assert not row["distractor"] or (not row["stated"] and sources)
    for fact in world.facts:
        assert bool(stating[fact.uuid]) == (fact.kind != "unknown") or fact.kind.startswith("easy")


def test_every_kind_is_frequent(world: World) -> None:
    counts = collections.Counter(planted_truth_table(world)["kind"].to_pylist())
    assert min(counts[kind] for kind in PLANTED_KINDS) > 150
    ways = collections.Counter(planted_truth_table(world)["stated_how"].to_pylist())
    assert min(ways[way] for way in STATED_HOW[:3]) > 20
    assert sum(planted_truth_table(world)["distractor"].to_pylist()) > 15


def test_among_all_languages_the_table_repeats_the_planted_truth(world: World) -> None:
    for row in planted_truth_table(world).to_pylist():
        planted = world.truth[row["language"]][row["uuid"]]
        assert (row["kind"], row["linked_source"]) == (planted.kind, planted.linked_source)


def test_a_language_that_is_left_out_is_no_source(world: World) -> None:
    chosen = ("qab", "qaf")
    assert "qaf" not in linked_languages("qab", LANGUAGES)  # nothing can be a source of the other
    rows = planted_truth_table(world, chosen).to_pylist()
    assert {row["language"] for row in rows} == set(chosen)
    assert {row["linked_source"] for row in rows} == {None}
    assert {row["kind"] for row in rows}.isdisjoint({"transferred", "shared"})
    for row in rows:
        stated = any(world.truth[code][row["uuid"]].stated for code in chosen)
        assert not (row["kind"] == "unknown" and stated)


def test_the_nearest_stating_language_says_how_the_name_is_linked() -> None:
    world = small_world(cognates=0.3, unrelated=0.3, local_facts=0.3)
    for code, language in world.languages.items():
        for fact in world.facts:
            uri = fact.subject_uri
            spellings = {other: world.plan.spellings[other][uri] for other in world.languages}
            links = {
                name_link(spellings[code], spellings[other], same_script=language.script == there.script)
                for other, there in world.languages.items()
                if other != code and world.truth[other][fact.uuid].stated
            }
            nearest = next((link for link in NAME_LINKS if link in links), None)
            assert world.truth[code][fact.uuid].name_link == nearest


def test_a_crossing_is_a_way_for_another_language_s_statement() -> None:
    rows = planted_truth_table(
        small_world(unrelated=1.0, code_switching=0.5, bilingual_leads=0.5)
    ).to_pylist()
    assert {row["crossing"] for row in rows} >= {None, "bilingual_lead", "code_switching"}
    plain = planted_truth_table(small_world()).to_pylist()
    assert {row["crossing"] for row in plain} == {None, "pieces"}
    for row in plain:
        assert (row["crossing"] == "pieces") == (row["name_link"] in ("identical", "cognate"))
    apart = planted_truth_table(small_world(shared_pieces=False, code_switching=0.5)).to_pylist()
    assert {row["crossing"] for row in apart} == {None}


def test_when_and_from_whom_a_fact_can_be_learnt_follows_from_who_enters_late() -> None:
    late = {"de": 60, "ru": 30}
    world = small_world(local_facts=0.3, learned_after=tuple(late.items()))
    rows = {(row["uuid"], row["language"]): row for row in planted_truth_table(world).to_pylist()}
    codes = list(world.languages)
    for (uuid, code), row in rows.items():
        others = {
            other: late.get(other, 0) for other in codes if rows[uuid, other]["stated"] and other != code
        }
        assert row["read_after"] == (late.get(code, 0) if row["stated"] else None)
        assert row["read_elsewhere_after"] == min(others.values(), default=None)
        assert {late.get(other, 0) for other in row["first_read_in"]} <= {row["read_elsewhere_after"]}
        assert set(row["first_read_in"]) <= set(others) and bool(row["first_read_in"]) == bool(others)
    only_late = [row for row in rows.values() if row["read_elsewhere_after"]]
    assert only_late and {code for row in only_late for code in row["first_read_in"]} <= set(late)


def test_aligned_vectors_are_a_way_to_cross_even_between_alphabets_of_their_own() -> None:
    for world in (small_world(alignment=1), small_world(alignment=1, shared_pieces=False)):
        rows = planted_truth_table(world).to_pylist()
        stated = {row["uuid"] for row in rows if row["stated"]}
        ways = collections.Counter(row["crossing"] for row in rows if row["read_elsewhere_after"] is not None)
        assert ways["alignment"] > 20 and ways[None] == 0
        assert all(row["crossing"] is None for row in rows if row["uuid"] not in stated)
    half = planted_truth_table(small_world(alignment=0.5, shared_pieces=False))["crossing"].to_pylist()
    assert 0 < half.count("alignment") < ways["alignment"] / 2
