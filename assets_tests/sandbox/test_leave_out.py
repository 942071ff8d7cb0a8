"""Which statements a block takes out of a world, and that nothing else goes with them."""

from __future__ import annotations

from collections import Counter

import pytest

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.blocks import COMPLETE, EVERYWHERE, OWN, block_names
from factroots_dagster.sandbox.leave_out import leave_out, plan_block, stating_languages
from factroots_dagster.sandbox.records import Sentence, World


def sentences(world: World, language: str) -> Counter[Sentence]:
    return Counter(sentence for article in world.articles[language] for sentence in article.sentences)


@pytest.mark.parametrize("name", ["own-3", "everywhere-2"])
def test_a_block_takes_out_the_statements_of_its_cells_and_nothing_else(world: World, name: str) -> None:
    block = plan_block(world, name)
    reduced = leave_out(world, block)
    for language in world.languages:
        gone = sentences(world, language) - sentences(reduced, language)
        assert not sentences(reduced, language) - sentences(world, language)
        assert {sentence.fact for sentence in gone} == {
            uuid for uuid, code in block.cells if code == language
        }
        assert not {(sentence.fact, language) for sentence in sentences(reduced, language)} & block.cells
        titles = [article.title for article in world.articles[language]]
        assert [article.title for article in reduced.articles[language]] == titles


def test_every_statement_is_left_out_once_by_the_own_blocks(world: World) -> None:
    stated = {(uuid, code) for uuid, languages in stating_languages(world).items() for code in languages}
    blocks = [plan_block(world, name) for name in block_names() if name.startswith(OWN)]
    assert Counter(cell for block in blocks for cell in block.cells) == Counter(stated)
    for block in blocks:  # one language of each fact, so that the others still state it
        assert max(Counter(uuid for uuid, _ in block.cells).values()) == 1


def test_every_fact_is_left_out_everywhere_once_in_equal_parts_of_each_relation(world: World) -> None:
    stating = stating_languages(world)
    blocks = [plan_block(world, name) for name in block_names() if name.startswith(EVERYWHERE)]
    left_out = [{uuid for uuid, _ in block.cells} for block in blocks]
    assert Counter(uuid for uuids in left_out for uuid in uuids) == Counter(
        uuid for uuid, languages in stating.items() if languages
    )
    for block, uuids in zip(blocks, left_out, strict=True):
        assert block.cells == {(uuid, code) for uuid in uuids for code in stating[uuid]}
    for relation in world.templates["qaa"]:
        parts = [sum(f.uuid in uuids for f in world.facts if f.relation == relation) for uuids in left_out]
        planted = sum(f.relation == relation for f in world.facts)
        assert all(abs(part - planted / len(parts)) < planted / 5 for part in parts)


def test_fewer_blocks_leave_out_several_languages_of_a_fact_at_once(world: World) -> None:
    stated = {(uuid, code) for uuid, languages in stating_languages(world).items() for code in languages}
    blocks = [plan_block(world, f"own-{number}", own_blocks=2) for number in (1, 2)]
    assert blocks[0].cells | blocks[1].cells == stated and not blocks[0].cells & blocks[1].cells


def test_the_complete_block_leaves_the_world_as_it_is(world: World) -> None:
    assert leave_out(world, plan_block(world, COMPLETE)) == world


def test_an_unknown_block_is_named_with_those_that_there_are(world: World) -> None:
    with pytest.raises(InputError, match=r"unknown block 'own-9'.*everywhere-4"):
        plan_block(world, "own-9")
