"""Running tries of tokens through a decoder: each token sees the beginning and its own ancestors only.

A row of the cache holds one beginning and, after it, the nodes of one trie in the order in which they were
run. Which nodes a token sees is said by a mask, and how far into its sentence it stands by its position: many
sentences that share tokens are one row. Not every decoder reads such a mask (those that place tokens by
counting unmasked ones do not); `driving.longest_in_trie` tries it out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import DynamicCache


def start_rows(module: Any, beginnings: torch.Tensor) -> tuple[torch.Tensor, DynamicCache]:
    """Hidden states [rows, length, hidden] (logits of a whole model) of beginnings [rows, length], cached.

    The cache keeps all tokens, whatever the attention's window: a node may stand far from its ancestors.
    """
    cache = DynamicCache()
    return _outputs(module(input_ids=beginnings, past_key_values=cache, use_cache=True)), cache


def extend_rows(
    module: Any,
    cache: DynamicCache,
    ids: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    visible: npt.NDArray[np.bool_],
) -> torch.Tensor:
    """Hidden states [rows, new, hidden] (logits of a whole model) of new nodes, which the cache receives.

    ids, positions: [rows, new], each node's token and its place in its sentence. visible: [rows, new, cached
    + new], the nodes that it sees, itself among them. What fills up a row sees at least one token and is
    seen by none.
    """
    mask = torch.zeros(visible.shape, dtype=module.dtype)
    mask.masked_fill_(torch.from_numpy(~visible), torch.finfo(module.dtype).min)
    device = module.device
    return _outputs(
        module(
            input_ids=torch.from_numpy(ids).to(device),
            position_ids=torch.from_numpy(positions).to(device),
            attention_mask=mask[:, None].to(device),
            past_key_values=cache,
            use_cache=True,
        )
    )


def _outputs(output: Any) -> torch.Tensor:
    tensor: torch.Tensor = output.logits if "logits" in output else output.last_hidden_state
    return tensor
