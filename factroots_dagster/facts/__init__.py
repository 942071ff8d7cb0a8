"""Fact sets: the cloze prompts that models are asked, with their Wikidata ids.

One folder or module per format that is read; `schema.py` declares the tables. No model and no corpus here.
"""
