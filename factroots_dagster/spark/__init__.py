"""Spark as this project uses it: a session, tasks with progress, and the files that they write."""
