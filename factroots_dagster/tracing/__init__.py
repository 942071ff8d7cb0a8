"""Where a corpus names a fact: labels and aliases, their mentions, and windows that hold both.

What a window says about a model's knowledge is decided in `roots/`.
"""
