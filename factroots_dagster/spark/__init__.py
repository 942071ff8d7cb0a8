"""Spark as this project uses it: Java, the session, resumable tasks with progress, and the files they write.

Nothing in this folder knows what a task computes; corpora and tracing pass in their own functions.
"""
