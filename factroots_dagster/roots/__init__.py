"""The paper's argument: the type of every predicted fact, decided from its sources and its neurons.

Belongs here: types, naming cues, sensitivity to the settings, counts, agreement with planted truth, the
comparison of checkpoints, and when a run learns its facts (`timeline/`). Does not belong here: how sources
are found (`tracing/`), how neurons are compared (`neurons/`), and how results are shown (`report/`).
"""
