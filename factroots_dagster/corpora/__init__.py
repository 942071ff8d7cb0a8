"""Corpora: the texts in which a model may have read a fact, as documents of plain text.

One folder per kind of corpus, which acquires its source and writes its documents; `schema.py` declares the
tables. Which facts the texts state is for `tracing/`, which reads the documents and not their sources.
"""
