"""The `factroots` command, for what the `dagster` command does not offer.

Belongs here: parsing of arguments, printing, exit codes, and the checks of `factroots doctor`.
Does not belong here: anything that Dagster's runs need; that is in `orchestration/` and below.
"""
