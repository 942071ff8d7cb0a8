"""Wikitext to plain text: comments and tags, templates, brackets, lines; put together by `wikitext`.

Names of templates are data and belong into `template_names`; names of namespaces into `namespace_names`, one
folder up.
"""
