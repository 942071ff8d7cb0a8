"""Wikitext to plain text: markup, templates, and the names that templates have per wiki."""
