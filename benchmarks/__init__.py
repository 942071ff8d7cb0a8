"""Benchmarks: what is timed, beside what, on which inputs. Nothing of the platform imports from here."""
