"""Documents in Parquet or JSON lines, such as a web corpus that today's models were trained on.

What is read is written in `FACTROOTS_CORPORA` (`choices`); no code is needed for another corpus of these
formats. Text is taken as it stands: nothing is cleaned, sampled or cut.
"""
