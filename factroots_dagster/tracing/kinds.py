"""Kinds of mentions: by which of its names a text mentions an entity."""

from __future__ import annotations

LABEL, ALIAS, SUFFIX, WORDPIECE = range(4)
"""The label itself; another name of the entity's article; the label with a suffix; the label's wordpieces."""

MENTION_KINDS = ("label", "alias", "suffix", "wordpiece")
"""The kinds by number, as column `kind` of ENTITY_MENTIONS spells them."""
