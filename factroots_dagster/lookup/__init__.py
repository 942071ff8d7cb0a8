"""Looking up one fact in the store: its sources in each language, and a checkpoint's answers.

Serves `factroots trace`. Reads tables and lays them out for a terminal or as JSON; computes nothing that is
stored.
"""
