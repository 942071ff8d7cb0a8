"""The pages that people open, and the previews in Dagster.

Belongs here: sections, figures, the fact explorer, the page that compares checkpoints, previews of assets.
Does not belong here: statistics, which are computed in `roots/`, `neurons/` and `probing/`.
"""
