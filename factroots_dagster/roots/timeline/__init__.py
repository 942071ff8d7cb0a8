"""When a fact was learnt in each language, and which languages had it before.

Belongs here: the steps at which one run's checkpoints know a fact, the lag between languages, and how much of
it the frequency of the sources explains. Does not belong here: which checkpoints make a run (`models/runs`).
"""
