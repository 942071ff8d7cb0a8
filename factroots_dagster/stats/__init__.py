"""Statistics that know no table of ours: intervals, permutation tests, medoids, overlaps."""
