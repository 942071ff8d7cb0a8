"""The data on disk: partitions that are complete or absent, atomic files, resumable downloads.

Belongs here: how bytes reach the disk and are read back, whatever they mean. Does not belong here: schemas,
which each folder declares for its own tables, and anything that depends on an asset or on Dagster.
"""
