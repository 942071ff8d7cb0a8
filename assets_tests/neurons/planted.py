"""Activations of three small languages with a planted structure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from assets_tests.neurons.activations import write_activations
from factroots_dagster.neurons.probeless import active_neurons

LANGUAGES = ("qaa", "qab", "qac")
RELATIONS = {"P1": 36, "P2": 15, "P3": 8, "P4": 4}
SHARED = 0.5
"""Share of the facts whose own direction is the same in all languages."""


class World:
    """Facts with an object direction, a fact direction (for linked facts common to the languages), noise."""

    def __init__(
        self, folder: Path, seed: int = 0, strength: float = 2.0, relations: Mapping[str, int] = RELATIONS
    ):
        random = np.random.default_rng(seed)
        self.values: dict[str, dict[str, np.ndarray]] = {language: {} for language in LANGUAGES}
        rows: dict[str, list[dict[str, str]]] = {language: [] for language in LANGUAGES}
        self.linked: set[str] = set()
        for relation, facts in relations.items():
            objects = random.normal(size=(4, 60))
            which = random.integers(0, 4, facts)
            common = random.normal(size=(facts, 60))
            self.linked |= {f"{relation}-{f}" for f in range(int(facts * SHARED))}
            for language in LANGUAGES:
                own = random.normal(size=(facts, 60))
                own[: int(facts * SHARED)] = common[: int(facts * SHARED)]
                values = objects[which] + strength * own / 2 + 0.5 * random.normal(size=(facts, 60))
                self.values[language][relation] = values.reshape(facts, 3, 20).astype(np.float32)
                for fact in range(facts):
                    same = relation == "P2" and fact < 3 and language != "qac"
                    rows[language].append(
                        {
                            "uuid": f"{relation}-{fact}",
                            "object_uri": f"Q{relation}{which[fact]}",
                            "template": "[X] is [Y]" if same else f"[X] {language} [Y]",
                            "subject": f"s{fact}",
                        }
                    )
        self.splits = {language: pa.Table.from_pylist(listed) for language, listed in rows.items()}
        self.folders = {
            language: write_activations(folder / language, values, language)
            for language, values in self.values.items()
        }
        self.active = {
            # Language qac knows less: relation P3 not at all, and two thirds of P1 are missing.
            language: self.known(language, active_neurons(path, k=6))
            for language, path in self.folders.items()
        }

    @staticmethod
    def known(language: str, active: pa.Table) -> pa.Table:
        if language != "qac":
            return active
        unknown = {f"P1-{fact}" for fact in range(12, 36)}
        kept = [row not in unknown and not row.startswith("P3") for row in active.column("uuid").to_pylist()]
        return active.filter(pa.array(kept))
