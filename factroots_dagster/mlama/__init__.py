"""mLAMA: getting a release, checking that it is the published one, and reading it fact by fact."""
