"""Rankings of a fact's neurons: their names, where they are stored, and the set sizes that are compared."""

from __future__ import annotations

PROBELESS = "probeless"
"""By Probeless score, as in the paper."""

SIGNED = "signed"
"""By activation above the relation's mean."""

STANDARDISED = "standardised"
"""By Probeless score over the neuron's standard deviation."""

COLUMNS = {PROBELESS: "ranked_neurons", SIGNED: "signed_neurons", STANDARDISED: "standardised_neurons"}
"""Ranking to its column of ACTIVE_NEURONS."""

RANKINGS = tuple(COLUMNS)

SIZES = (10, 25, 50, 100, 200)
"""Other k at which sets of neurons are compared."""

STORED = SIZES[-1]
"""Neurons whose Probeless order is stored, so that another k needs no activations."""
