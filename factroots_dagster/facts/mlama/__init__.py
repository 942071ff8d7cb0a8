"""mLAMA 1.1: reading a release, one language of it, and what its languages have in common."""
