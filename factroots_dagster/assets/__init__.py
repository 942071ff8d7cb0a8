"""What exists and from what: one module per group; each body calls one domain function."""
