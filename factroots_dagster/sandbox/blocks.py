"""Names of the blocks that retrainings leave out (see `leave_out`); a module that partitions can import."""

from __future__ import annotations

COMPLETE, OWN, EVERYWHERE = "complete", "own", "everywhere"
OWN_BLOCKS, EVERYWHERE_BLOCKS = 8, 4


def block_names(own_blocks: int = OWN_BLOCKS) -> list[str]:
    """Names of all blocks, `complete` first; the world need not be known."""
    return [
        COMPLETE,
        *(f"{OWN}-{number}" for number in range(1, own_blocks + 1)),
        *(f"{EVERYWHERE}-{number}" for number in range(1, EVERYWHERE_BLOCKS + 1)),
    ]
