"""Inflection by suffix: the suffixes that a language may add to a name, and how its stem changes before them.

- `suffixes`: the lookups, the only entry point for other folders, and the languages that have a suffix table.
- `rules`: what a language's module is made of.
- one module per language or family. To add a language, write its module with an INFLECTION and add it to
  `suffixes.INFLECTIONS`.
"""
