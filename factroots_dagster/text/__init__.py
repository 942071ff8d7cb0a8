"""Text processing: code points, tokens, sentences, normalization, inflection, wordpieces, templates' slots.

Belongs here: functions of strings and arrays, and the data per language that they need. Does not belong here:
anything that knows a corpus, a fact or a model.
"""
