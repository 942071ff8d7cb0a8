"""What must hold: one Great Expectations suite per asset, run as a Dagster asset check."""
