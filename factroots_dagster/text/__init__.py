"""Plain text: code points, tokens, sentences, normalization, inflection, wordpieces.

Functions of strings and arrays only. Nothing here knows a corpus, a fact or a model.
"""
