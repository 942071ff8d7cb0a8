"""Facts of Unicode's CLDR in the 53 languages of mLAMA: they need no download.

Cities and their countries (P17), countries and their official languages (P37) and currencies (P38), with the
names that CLDR (Unicode License v3) has for them, read through Babel; the templates are ours.
"""

EDITION = 2
"""One higher with every change after which the same version of Babel gives other facts."""
