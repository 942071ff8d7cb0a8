"""The assets' bodies, one module per group: read, one call into the library, write."""
