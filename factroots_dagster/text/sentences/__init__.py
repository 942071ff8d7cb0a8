"""Sentence boundaries: rules over Unicode that hold for every script, plus the conventions of each language.

- `boundaries`: where sentences begin, the only entry point for other folders.
- `abbreviations`: whether a mark belongs to an abbreviation, an initial or a number before it.
- `characters`: which characters end, close, open and continue sentences, in all scripts.
- `languages`: what differs by language, as data; `rules` compiles it.
"""
