"""Wikipedia dumps: found in a folder or downloaded, read page by page, cleaned to plain text.

`dump`, `dump_names` and `remote` acquire a dump; `bzip2`, `pages` and `page_xml` read pages out of it;
`markup/` cleans them; `articles` puts this together on Spark. What differs from one Wikipedia to another is
data, in `markup/`.
"""
