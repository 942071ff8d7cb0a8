"""Texts that a spreadsheet takes for formulas, and some that it does not; each with what CSV holds for it."""

from __future__ import annotations

FORMULAS = [
    ("=1+1", "'=1+1"),
    ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
    ("+49 30", "'+49 30"),
    ("-ase", "'-ase"),
    ("-1+2", "'-1+2"),
    ("@home", "'@home"),
    ("\t=1", "'\t=1"),
    ("\r\n=1", "'\r\n=1"),
    ("＝1", "'＝1"),
    ("-", "'-"),
    ("-1.5", "-1.5"),
    ("+2e-3", "+2e-3"),
    ("-1.5\n", "'-1.5\n"),
    ("a=b", "a=b"),
    ("Ysbyty'r", "Ysbyty'r"),
    ("'=1", "'=1"),
    ("a\n=1", "a\n=1"),
    ("أبو ظبي", "أبو ظبي"),
]
