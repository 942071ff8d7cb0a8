"""Neurons: which ones a fact activates, how similar they are between languages, what they cause.

Here belong rankings of a fact's neurons (`probeless`), statistics that compare a fact's neurons between
languages and their nulls, and interventions on neurons. Reading saved activations is `models`, the types of
facts that follow from the comparisons are `roots`, figures are `report`.

A new statistic is one module with a function of a `comparable.RelationPair`, and one row of
`statistics.STATISTICS`: every table, check and figure takes its statistics from there.
"""
