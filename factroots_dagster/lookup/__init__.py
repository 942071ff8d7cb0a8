"""Looking up one fact in the tables that are there: what `factroots trace` prints."""
