"""The neurons of a model at the tokens that prompts ask for."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import forward_pass_with_neurons, run_in_batches
from factroots_dagster.probing.causal_likelihood import fitting_budget
from factroots_dagster.probing.masking import Prompt, batch_of, length_of

NEURON_BYTES = 1 << 32  # of the neurons of one batch


def read_prompt_neurons(model: LoadedModel, prompts: Sequence[Prompt], budget: int) -> list[torch.Tensor]:
    """Neurons float32 [layers, neurons] of each prompt, on the CPU: the mean over its positions.

    budget: tokens of one batch, fewer where their neurons would not fit.
    """
    means: dict[int, torch.Tensor] = {}
    token_bytes = 4 * model.ffn.layers * model.ffn.neurons
    budget = max(1, min(fitting_budget(model, budget), NEURON_BYTES // token_bytes))

    def run(indices: list[int]) -> None:
        own = [prompts[index] for index in indices]
        _, neurons = forward_pass_with_neurons(model, batch_of(model, own))
        parts = neurons.split([len(prompt.positions) for prompt in own])
        means.update(
            (index, part.float().mean(dim=0).cpu()) for index, part in zip(indices, parts, strict=True)
        )

    with torch.inference_mode():
        run_in_batches(model, [length_of(prompt) for prompt in prompts], budget, run)
    return [means[index] for index in range(len(prompts))]
