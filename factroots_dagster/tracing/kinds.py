"""Kinds of mentions: by which of its names a text mentions an entity."""

from __future__ import annotations

LABEL, ALIAS, SUFFIX, WORDPIECE, FORM = range(5)
"""The label itself; another name of the entity's article; the label with a suffix of the language's table;
the label's wordpieces; a form of the label that links show."""

MENTION_KINDS = ("label", "alias", "suffix", "wordpiece", "form")
"""The kinds by number, as column `kind` of ENTITY_MENTIONS spells them."""
