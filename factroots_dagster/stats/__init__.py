"""General statistics: intervals, permutation tests, clustering, chance overlap, multiple testing.

Functions of arrays that any project could use belong here. What knows a table of this platform, or why a
number is computed, does not. Only `pair_matrix` reads tables: any that have two columns of languages.
"""
