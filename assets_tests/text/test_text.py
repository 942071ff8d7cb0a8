"""Normal forms, words, sentences: against slow twins and cases by hand."""

from __future__ import annotations

import itertools
import time
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.text.normalization import normalized, normalized_with_places
from factroots_dagster.text.sentences import BLANKS, FULL_STOPS, WORD_SPACE, sentence_starts
from factroots_dagster.text.tokens import (
    character_classes,
    edges_when_joined,
    inside_words,
    token_starts,
    word_counts,
    word_ends,
)

WILD = st.text(
    st.sampled_from(
        "abÉe\u0301\u0323\u030a \u00a0\u200b\u200d\u200e\ufeff\u00ad"
        "\u09c7\u09be\u09dfক가\u1100\u1161\u11a8東漢汉.-'0\U00020000"
    )
    | st.characters(),
    max_size=30,
)


@given(WILD)
@settings(max_examples=500, deadline=None)
def test_places_lead_back_to_the_source(text: str) -> None:
    seen, places = normalized_with_places(text)
    assert seen == normalized(text)
    if places is None:
        assert seen == text
        return
    every = np.arange(len(seen))
    starts, ends = places.start(every), places.end(every)
    assert (starts < ends).all() and (np.diff(starts) >= 0).all()
    for at in range(len(seen)):
        if at == 0 or starts[at] != starts[at - 1]:
            same = [index for index in range(len(seen)) if starts[index] == starts[at]]
            assert normalized(text[starts[at] : ends[at]]) == "".join(seen[index] for index in same)


COMPOSED = st.sampled_from(
    [
        chr(code)
        for code in range(0x30000)
        if unicodedata.combining(chr(code))
        or (unicodedata.decomposition(chr(code)) or "<").startswith("<") is False
        or 0x1100 <= code < 0x1200
    ]
)


@given(st.lists(COMPOSED | st.sampled_from("aeАа \n\u09c7\u09be한"), max_size=8).map("".join))
@settings(max_examples=3000, deadline=None)
def test_no_word_that_normalisation_changes_is_passed_over(text: str) -> None:
    seen, _ = normalized_with_places(text)
    assert seen == normalized(text)


def test_what_matching_overlooks() -> None:
    assert normalized("Sa\u0303o\u00a0Pau\u00adlo\u200e\ufeff") == "São Paulo"
    assert normalized("می\u200cخواهم") == "می\u200cخواهم"
    assert normalized("臺灣", "zh") == normalized("台湾", "zh-yue")
    assert normalized("漢", "ja") == "漢"


def slow_tokens(text: str) -> list[str]:
    """Words and single marks, character by character."""
    found: list[str] = []
    inside = False
    for character in text:
        kind = character_classes(character)[0]
        if kind == 0:
            inside = False
        elif kind == 1 and inside:
            found[-1] += character
        else:
            found.append(character)
            inside = kind == 1
    return found


@given(st.text(max_size=40) | WILD)
@settings(max_examples=300, deadline=None)
def test_tokens_equal_a_slow_twin(text: str) -> None:
    kinds = character_classes(text)
    assert int(token_starts(kinds).sum()) == len(slow_tokens(text))
    marks = [token for token in slow_tokens(text) if character_classes(token)[0] == 2]
    texts = [text, "", f"two words {text}"]
    words = len(slow_tokens(text)) - len(marks)
    assert word_counts(texts).tolist() == [words, 0, 2 + words]


def test_words_of_many_scripts() -> None:
    for text, words in {
        "Ça va, l'été?": ["Ça", "va", ",", "l", "'", "été", "?"],
        "বাংলা ভাষা।": ["বাংলা", "ভাষা", "।"],
        "東京タワー": list("東京タワー"),
        "ไทย ok": ["ไ", "ท", "ย", "ok"],
        "Հայաստան։": ["Հայաստան", "։"],
        "서울은": ["서울은"],
    }.items():
        assert slow_tokens(text) == words
        assert int(token_starts(character_classes(text)).sum()) == len(words)


@given(st.lists(WILD, max_size=5))
def test_joined_texts_are_found_again(texts: list[str]) -> None:
    joined = "\n".join(texts)
    starts, ends = edges_when_joined(texts)
    assert [joined[start:end] for start, end in zip(starts, ends, strict=True)] == texts


@pytest.mark.parametrize(
    ("text", "label", "kept"),
    [
        ("New Yorker", "New York", False),
        ("in New York.", "New York", True),
        ("cab", "ab", False),
        ("l'Aigle", "Aigle", True),
        ("ভারতের", "ভারত", False),
        ("東京都", "東京", True),
        ("Sony製", "Sony", True),
        ("กรุงเทพมหานคร", "กรุงเทพ", True),
        ("C++", "C", True),
        ("U2", "U", False),
    ],
)
def test_word_borders(text: str, label: str, kept: bool) -> None:
    start = text.index(label)
    inside = inside_words(character_classes(text))
    assert (not inside[start] and not inside[start + len(label)]) is kept


def test_ends_of_words() -> None:
    text = "서울은 크다, budapesten"
    places = np.array([text.index("은"), text.index("dap"), len(text) - 1])
    assert word_ends(character_classes(text), places).tolist() == [3, len(text), len(text)]


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
def test_sentences(language: str, marked: str) -> None:
    text = marked.replace("|", "")
    starts = [0, *sentence_starts(text, language)[1:].tolist(), len(text)]
    assert "|".join(text[start:end] for start, end in itertools.pairwise(starts)) == marked


LANGUAGES = st.sampled_from(["", "en", "el", "hy", "th", "ja", "de", "vi", "mr", "ru", "am"])
PIECES = """
Mr. U.S. The He 3. 1900 XIV. Sr A. b. word. Word! etc. т. д. г. В. Он 。 」 「 と の ？ । ։ : ; ፡
… .. ? " “ ” ' « » ) ( [ ] , – ก ๆ 12。30 Yahoo! 《 》 ！
"""
PROSE = st.lists(st.sampled_from([*PIECES.split(), " ", " ", " ", "\n", "\n\n", "\u3000"]), max_size=40).map(
    "".join
)


@given(PROSE | st.text(max_size=200), LANGUAGES)
@settings(max_examples=600, deadline=None)
def test_sentences_cover_any_text(text: str, language: str) -> None:
    starts = sentence_starts(text, language)
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all() and (len(text) == 0 or starts[-1] < len(text))
    for start in starts[1:]:
        if text[start].islower() and text[start - 1] in BLANKS:
            assert any(mark in text[:start] for mark in FULL_STOPS + WORD_SPACE)
    known = set(starts.tolist())
    for at, character in enumerate(text[:-1]):
        if character == "\n" and at:
            assert (at + 1 in known) == (text[at + 1] != "\n")


@given(st.lists(PROSE, min_size=1, max_size=6), LANGUAGES.filter(lambda language: language != "th"))
@settings(max_examples=300, deadline=None)
def test_pages_joined_by_line_ends_keep_their_sentences(pages: list[str], language: str) -> None:
    pages = [page.strip("\n") for page in pages]
    begins = np.cumsum([0, *(len(page) + 1 for page in pages)])
    apart = {
        begin + start
        for begin, page in zip(begins.tolist(), pages, strict=False)
        for start in sentence_starts(page, language).tolist()
        if page or begin == 0
    }
    text = "\n".join(pages)
    assert set(sentence_starts(text, language).tolist()) == {0} | {at for at in apart if at < len(text)}


def test_a_long_text_is_split_like_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n\nOne. Two! Dr. X came.\n\n\nThree? Four\n" * 50
    whole = sentence_starts(text, "en")
    monkeypatch.setattr("factroots_dagster.text.sentences.BLOCK", 17)
    assert sentence_starts(text, "en").tolist() == whole.tolist()


@pytest.mark.parametrize("filling", ['"', " ", "(", ".", "。", "」", ". ", "A. ", "3. ", '."', "፡", "a.b"])
def test_hostile_marks_take_linear_time(filling: str) -> None:
    text = "A sentence. B" + filling * (1_000_000 // len(filling)) + "C"
    began = time.process_time()
    starts = sentence_starts(text, "en")
    assert time.process_time() - began < 3
    assert starts[0] == 0 and (np.diff(starts) > 0).all()
