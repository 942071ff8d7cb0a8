"""Where a fact stands in a language's Wikipedia: counts by window, and the sentences themselves."""
