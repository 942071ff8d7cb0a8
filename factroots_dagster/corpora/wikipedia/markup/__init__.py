"""Wikitext to plain text: comments and tags, templates, brackets, lines; put together by `wikitext`.

What names mean is data: templates of many wikis belong into `template_names`, those of one into
`wiki_templates` and `wiki_habits`, words of MediaWiki in the wikis' languages into `magic_words.json`, names
of countries into `countries.csv`. `dialect` puts together what holds in one wiki.
"""
