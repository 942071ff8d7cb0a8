"""Spark as this project uses it: Java, the session, tables computed part by part, with progress, and how they
are collected, written and taken up again.

Nothing in this folder knows what a task computes; corpora and tracing pass in their own functions.
"""
