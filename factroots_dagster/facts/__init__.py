"""Fact sets: the cloze prompts that models are given, with the Wikidata ids of their entities.

`schema.py` declares the tables, in the form of mLAMA, into which other fact sets are imported; one folder per
format that is read. What can be counted on facts alone is here; no model and no corpus.
"""
