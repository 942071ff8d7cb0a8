"""Languages compared: clusters by the facts that they share, and geography."""
