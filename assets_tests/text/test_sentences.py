"""Sentence boundaries: cases by hand in many languages, and properties that hold for any text."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.text.sentences.boundaries import sentence_starts
from factroots_dagster.text.sentences.characters import FULL_STOPS, SPACES, WORD_SPACE
from factroots_dagster.text.sentences.languages import LANGUAGES, SAME_CONVENTIONS

SENTENCES = [
    ("en", 'He met Alfred L. Kroeber. |Dr. Smith left. |He died in 1900. |"Why?" |She asked e.g. him.'),
    ("en", "It is 3.5 km. |Yahoo! was here? |Yes.\n|A new line"),
    ("en", "J. R. R. Tolkien was born. |He wrote. |George W. Bush met Brig. Gen. Pillow."),
    ("en", "The U.S. Army came to the U.S. |The war ended c. 1900 at St. Louis (Mo.). |Others left."),
    ("en", "He joined Yahoo! Japan. |Stop! |Thief! |“I will.” |“Why not?” |(They did.) |[Then] it rained."),
    (
        "en",
        "Wait... he said. |Then... |Nothing. |In the 1980s. |She saw vol. 3 and no. 7 [...] Kant. |No. |Yes.",
    ),
    ("en", "I don't. |You can't. |Art. |It was modern art. |Many saw it, etc. |Others cost 5 m. |The end"),
    ("en", "1. Introduction comes first. |Malcolm X. |He was born (?) Little. |See Fig. 2. |5 of them."),
    ("en", "It stood in Rome. |, Paris was larger. |Bread . . . butter."),
    (
        "en",
        "It is -3.5 °C. |pH 7 is neutral. |iPhones sell. |Some fell, etc. and e.g. tin. |e.g. iron.",
    ),
    (
        "de",
        "Am 3. Oktober 1990 war es so. |Danach nicht. |Ludwig XIV. König war er. |Er starb 1715. |Die Zeit",
    ),
    (
        "de",
        "Das heißt z. B. Wasser, d. h. H2O usw. |Der Ort liegt bei St. Gallen. |„Ja.“ |Er ging v. Chr. hin.",
    ),
    (
        "fr",
        "M. Dupont et Mme Curie vinrent. |Il a vu J.-P. Sartre. |« Oui. » |L'été fut beau\u00a0! |Et après ?",
    ),
    ("es", "¿Dónde está? |¡Aquí! |El Sr. García vive en EE. UU. desde 1990. |Fue en el s. XX."),
    ("it", "Il sig. Rossi è qui. |Nacque nel 300 a.C. |La città è antica."),
    ("pt", "O Sr. Silva chegou. |A D. Maria saiu. |Foi bom!"),
    ("de", "Sie hat ca. 5 Mio. Einwohner und 3 Mrd. Euro. |Er kam."),
    ("da", "Byen har 1,5 mio. Indbyggere ville flytte. |Den er stor."),
    ("id", "Ir. Sukarno lahir di sana. |PT. Astra dan CV. Maju ada. |Kota besar."),
    ("la", "Roma est caput. |C. Iulius a.d. III Id. Mart. mortuus est. |Kal. Ian. natus est."),
    ("lo", "ວຽງຈັນແມ່ນນະຄອນຫຼວງຂອງລາວ. |ຫຼວງພະບາງ."),
    ("nl", "De heer dr. Jansen kwam, bijv. Piet niet. |Het regende."),
    ("pl", "Ul. Nowa 3. Urodził się ok. 1900 r. |W Krakowie żył św. Jan. |Był to XX w. |Po wojnie"),
    ("cs", "Dne 5. Května se to stalo, tj. Praha padla. |Byl to konec. |Žil zde sv. Václav."),
    ("fi", "Se alkoi 1. Tammikuuta. |Hän syntyi 1950. |Esim. Turku on vanha."),
    ("hu", "A 19. Század végén élt. |Id. Antall József itt élt. |Ez igaz."),
    ("tr", "II. Dünya Savaşı bitti. |Prof. Dr. Ali geldi. |Bu doğru."),
    ("vi", "Ông sống ở Ý. |Đ. Trump đến TP. Hồ Chí Minh. |Đây là châu Á. |Năm sau"),
    ("uk", "Народився у м. Київ. |Помер 1900 р. в Одесі."),
    ("uk", "Це було 1900 р. |Він жив у Львові і т. д. |Потім об'єднав ім'я. |Див. Київ (пом. 1973)."),
    ("ru", "А. С. Пушкин родился в Москве. |Он писал стихи."),
    ("ru", "Умер в 1990 г. |В Москве есть ул. Ленина и т. п. |Дж. Р. Р. Толкин. |В г. Москва, им. Ленина."),
    ("ka", "თბილისი ქალაქია. |იგი დიდია. |აქ დაიბადა ი. ჭავჭავაძე."),
    ("el", "Τι είναι; |Είναι η Αθήνα. |Τέλος. |Το 330 π.Χ. |Ο Δ. Σολωμός."),
    ("hy", "Երևանը քաղաք է։ |Այն մեծ է: |Վերջ։|Ժամը 12։30 է։ |Հ. Թումանյան։"),
    ("bn", "ঢাকা শহর। |এটি বড়।|হ্যাঁ। |ড. মো. ইউনূস এলেন? |হ্যাঁ।"),
    ("hi", "दिल्ली राजधानी है। |यह बड़ी है। |यह है. |डॉ. सिंह आए।"),
    ("mr", "पुणे शहर आहे. |ते मोठे आहे. |पु. ल. देशपांडे आणि डॉ. जोशी आले। |ते लेखक होते."),
    ("ta", "சென்னை நகரம் ஆகும். |மு. கருணாநிதி வந்தார். |அது பெரியது."),
    (
        "ja",
        "東京は首都です。|「本当？」|はい。|彼は「行く。」と言った。|『けいおん!』のファン。|モーニング娘。の歌。",
    ),
    ("ja", "『モーニング娘。』公演。|次。"),
    ("ja", "のちに死去。|のちに再建（1900年。）。|Yahoo!知恵袋だ！|すごい？|うん。"),
    ("zh", "北京是首都。|上海呢？|是的！|他说：“你好！”|《你好！李焕英》是电影。|《走吧！》很好。|走！"),
    ("zh", "第一句。|“第二句。”|第三句？！|好。"),
    ("ko", "서울은 수도이다. |그는 갔다. |J. K. 롤링은 작가이다! |할 것. |끝"),
    ("ar", "ما هذا؟ |هذه مدينة."),
    ("ar", "ولد سنة 1900 م. في القاهرة! |كبيرة. |ج. ر. تولكين كاتب."),
    ("fa", "تهران پایتخت است. |او رفت؟ |بله."),
    ("he", "ירושלים עיר. |א. ב. יהושע סופר. |כן."),
    ("ur", "یہ شہر ہے۔ |یہ بڑا ہے۔|کیا؟ |ہاں۔ |3۔5 ہے۔"),
    ("am", "ይህ ከተማ ነው። |ትልቅ ነው። |አዎ፡፡ |ነው፡ ይህ።"),
    ("my", "မြို့။ |ကြီး။"),
    ("km", "ទីក្រុង។ |ធំ៕"),
    ("th", "ก" * 90 + " |" + "ข" * 10 + " ค"),
    ("th", "ก" * 90 + " ๆ |" + "พ.ศ. ดร. " + "ข" * 90 + " |ค"),
]


@pytest.mark.parametrize(("language", "marked"), SENTENCES)
def test_sentences_by_hand(language: str, marked: str) -> None:
    text = marked.replace("|", "")
    starts = [0, *sentence_starts(text, language)[1:].tolist(), len(text)]
    assert "|".join(text[start:end] for start, end in itertools.pairwise(starts)) == marked


TESTED_LANGUAGES = st.sampled_from(["", "en", "el", "hy", "th", "ja", "de", "vi", "mr", "ru", "am"])
PIECES = """
Mr. U.S. The He 3. 1900 XIV. Sr A. b. word. Word! etc. т. д. г. В. Он 。 」 「 と の ？ । ։ : ; ፡
… .. ? " “ ” ' « » ) ( [ ] , – ก ๆ 12。30 Yahoo! 《 》 ！
"""
PROSE = st.lists(st.sampled_from([*PIECES.split(), " ", " ", " ", "\n", "\n\n", "\u3000"]), max_size=40).map(
    "".join
)


@given(PROSE | st.text(max_size=200), TESTED_LANGUAGES)
@settings(max_examples=600, deadline=None)
def test_sentences_cover_any_text(text: str, language: str) -> None:
    starts = sentence_starts(text, language)
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all() and (len(text) == 0 or starts[-1] < len(text))
    for start in starts[1:]:
        if text[start].islower() and text[start - 1] in SPACES:
            assert any(mark in text[:start] for mark in FULL_STOPS + WORD_SPACE)
    all_starts = set(starts.tolist())
    for position, character in enumerate(text[:-1]):
        if character == "\n" and position:
            assert (position + 1 in all_starts) == (text[position + 1] != "\n")


@given(st.lists(PROSE, min_size=1, max_size=6), TESTED_LANGUAGES.filter(lambda language: language != "th"))
@settings(max_examples=300, deadline=None)
def test_pages_joined_by_line_ends_keep_their_sentences(pages: list[str], language: str) -> None:
    pages = [page.strip("\n") for page in pages]
    page_starts = np.cumsum([0, *(len(page) + 1 for page in pages)])
    separately = {
        page_start + start
        for page_start, page in zip(page_starts.tolist(), pages, strict=False)
        for start in sentence_starts(page, language).tolist()
        if page or page_start == 0
    }
    text = "\n".join(pages)
    together = set(sentence_starts(text, language).tolist())
    assert together == {0} | {start for start in separately if start < len(text)}


def test_a_long_text_is_split_like_its_parts() -> None:
    text = "\n\nOne. Two! Dr. X came.\n\n\nThree? Four\n" * 50
    whole = sentence_starts(text, "en")
    assert sentence_starts(text, "en", block_characters=17).tolist() == whole.tolist()


@pytest.mark.parametrize("filling", ['"', " ", "(", ".", "。", "」", ". ", "A. ", "3. ", '."', "፡", "a.b"])
def test_a_million_hostile_marks_are_split(filling: str) -> None:
    """In linear time: with quadratic time this test would run for hours."""
    text = "A sentence. B" + filling * (1_000_000 // len(filling)) + "C"
    starts = sentence_starts(text, "en")
    assert starts[0] == 0 and (np.diff(starts) > 0).all()


def test_conventions_are_lists_of_words() -> None:
    for conventions in LANGUAGES.values():
        abbreviations = conventions.titles, conventions.abbreviations, conventions.before_numbers
        for words in abbreviations:
            assert words == words.lower() and "." not in words
        assert all(" ".join(words.split()) == words for words in (*abbreviations, conventions.first_words))


def test_a_language_follows_the_conventions_of_another_that_has_some() -> None:
    assert not set(SAME_CONVENTIONS) & set(LANGUAGES)
    assert set(SAME_CONVENTIONS.values()) <= set(LANGUAGES)
    text = "Am 3. Oktober, bl.a. Navn. Det er. Den 5. Mai."
    assert sentence_starts(text, "nb_NO").tolist() == sentence_starts(text, "no").tolist()
    assert sentence_starts(text, "nb").tolist() != sentence_starts(text, "xx").tolist()
