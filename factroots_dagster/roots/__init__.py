"""The paper's argument: the type of every predicted fact, from its sources and its neurons.

Types, naming cues, sensitivity to the settings, counts, and agreement with planted truth. How sources are
found is `tracing/`; how neurons are compared is `neurons/`; how results are shown is `report/`.
"""
