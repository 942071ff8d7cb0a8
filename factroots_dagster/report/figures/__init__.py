"""The figures of pages and previews: each function takes plain rows and returns a matplotlib figure.

Languages are drawn in the order in which they are given; the report gives all figures the same order. `label`
turns a language's code into the text beside its row.
"""
