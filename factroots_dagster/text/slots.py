"""The two slots of a template: [X] for the subject, [Y] for the object."""

from __future__ import annotations

SLOTS = ("[X]", "[Y]")


def find_slot_defect(template: str) -> str | None:
    """What keeps a template from being filled, as what it "has"; None where it holds each slot once."""
    for slot in SLOTS:
        if (count := template.count(slot)) != 1:
            return f"has {slot} {count} times: {template!r:.120}"
    return None
