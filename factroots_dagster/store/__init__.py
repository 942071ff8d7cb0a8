"""The data on disk: partitions that are written whole or not at all, and resumed downloads."""
