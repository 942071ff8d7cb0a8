"""The report's figures: each function takes plain rows and returns a matplotlib figure.

Languages come in the order in which they are given: the report gives all figures the same.
"""
