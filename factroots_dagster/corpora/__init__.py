"""Corpora: the texts that a fact may have been read in, as documents of plain text.

One folder per kind of corpus; `schema.py` declares the tables. Which facts the texts state is asked in
`tracing/`.
"""
