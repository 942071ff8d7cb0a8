"""Wikipedia dumps to text and mentions: what the corpora say, page by page, with offsets."""
