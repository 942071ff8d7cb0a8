"""What must hold of every asset: Great Expectations suites, run as Dagster asset checks."""
