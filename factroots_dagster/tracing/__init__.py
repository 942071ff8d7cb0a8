"""Where a corpus mentions both sides of a fact: aliases, mentions, and windows that hold both.

The registry of matchers is here. Reading a corpus belongs in `corpora/`; what a window says about a model's
knowledge is decided in `roots/`.
"""
