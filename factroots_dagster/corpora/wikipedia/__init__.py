"""Wikipedia dumps: found or downloaded, read page by page, cleaned to plain text."""
