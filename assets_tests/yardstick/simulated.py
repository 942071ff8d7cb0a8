"""Answers of models that know a fact exactly where a language of the same script was read stating it."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.sandbox.leave_out import plan_block, stating_languages
from factroots_dagster.sandbox.records import World
from factroots_dagster.yardstick.schema import RETRAINED_ANSWERS


def simulated_answers(world: World, block_name: str) -> pa.Table:
    """RETRAINED_ANSWERS of such a model that was trained without a block."""
    block, rows = plan_block(world, block_name), []
    stating = stating_languages(world)
    for language, own in world.languages.items():
        for fact in world.facts:
            stated_in = stating[fact.uuid]
            left_out_in = [code for code in stated_in if (fact.uuid, code) in block.cells]
            read = set(stated_in) - set(left_out_in)
            if fact.kind == "independent":  # every language has a name of its own
                read &= {language}
            rows.append(
                {
                    "uuid": fact.uuid,
                    "language": language,
                    "relation": fact.relation,
                    "stated_in": stated_in,
                    "left_out_in": left_out_in,
                    "full_match": any(world.languages[code].script == own.script for code in read),
                }
            )
    return pa.Table.from_pylist(rows, schema=RETRAINED_ANSWERS)
