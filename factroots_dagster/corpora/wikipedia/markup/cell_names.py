"""Names of templates that hold cells (`cells`): boxes and block quotations, in the wikis' languages.

Data only. Names are lower case; here `_` stands for a space within a name.
"""

from __future__ import annotations

from factroots_dagster.corpora.wikipedia.markup.template_names import read_names

BOX_WORD = "infobox"
"""What the names of boxes begin with in most wikis, and tables that are boxes have among their classes."""

QUOTATIONS = frozenset(
    read_names("""
        quote quotation blockquote block_quote cquote rquote bquote quote_box quotebox quote_frame pull_quote
        verse_translation poem_quote epigraph zitat zitat-de citation citation_bloc début_citation cita
        cita_destacada citazione citação citat cytat citaat sitat sitaatti citát idézet alıntı citim tsitaat
        citata citāts aipu navedek sitaat aanhaling dyfyniad athfhriotal kutipan petikan sitat_başla
        цитата цитат цитата2 цытата конец_цитаты παράθεση παράθεμα απόσπασμα ציטוט اقتباس اقتباس_مضمن
        نقل_قول گفتاورد 引用 引用文 quotation2 인용문 인용 กล่องคำพูด คำพูด উক্তি উদ্ধৃতি उद्धरण உரை மேற்கோள்
        ციტატა քաղվածք մեջբերում trích_dẫn
    """)
)
"""Templates that show words of others as a block; where they are shown within a sentence they are kept."""
