"""Inflected forms of names: the suffixes that a language may add to a label."""
