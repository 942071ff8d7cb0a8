"""Everything that knows Dagster: the catalog of assets, their bodies, checks, jobs, sensors and resources.

`catalog.py` has one row per asset, from which the rest is derived. An asset body reads tables, calls one
function of the library and writes its result. Nothing else in the package may import this folder except
`cli/` and `definitions.py`, and no computation belongs here.
"""
