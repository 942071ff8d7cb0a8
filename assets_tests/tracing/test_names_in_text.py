"""Names as they stand in real text: spellings and overlaps that real pages and bug reports show."""

from __future__ import annotations

import numpy as np
import pytest

from assets_tests.tracing.brute_force import split_of
from factroots_dagster.tracing.candidates import build_fact_table
from factroots_dagster.tracing.forms import EntityForms, entities_of_split
from factroots_dagster.tracing.mentions import ArticleBatch, find_mentions
from factroots_dagster.tracing.passages import MATCHER_NUMBERS, find_passages
from factroots_dagster.tracing.stored_mentions import encode_strings, mentions_as_numbers

Spans = list[tuple[str, str]]


def mentions_in(text: str, label: str, language: str) -> Spans:
    """Kind and words of every mention of a label."""
    split = split_of([("f", "Q1", label, "Q2", "\u0f00")], language)
    forms = EntityForms.build(entities_of_split(split), language, {})
    rows = find_mentions(ArticleBatch(np.array([1]), [text], [[]]), forms, None).to_pylist()
    return [(row["kind"], text[row["start"] : row["end"]]) for row in rows]


def windows_of(text: str, subject: str, object_: str, language: str, matcher: str = "sentence") -> int:
    """The number of windows that hold a fact by a matcher."""
    split = split_of([("f", "Q1", subject, "Q2", object_)], language)
    entities = entities_of_split(split)
    forms = EntityForms.build(entities, language, {})
    table = find_mentions(ArticleBatch(np.array([1]), [text], [[]]), forms, None)
    numbers = mentions_as_numbers(table.combine_chunks(), encode_strings(entities))
    passages = find_passages(numbers, build_fact_table(split, entities), (matcher,))
    return int(np.count_nonzero(passages["matcher"] == MATCHER_NUMBERS[matcher]))


@pytest.mark.parametrize(
    ("language", "subject", "object_", "text", "windows"),
    [
        ("en", "Microsoft SQL Server", "Microsoft", "Microsoft SQL Server runs on Linux.", 0),
        ("en", "Microsoft SQL Server", "Microsoft", "Microsoft SQL Server is sold by Microsoft.", 1),
        ("en", "Microsoft SQL Server", "Microsoft", "Microsoft wrote Microsoft SQL Server.", 1),
        ("en", "Microsoft SQL Server", "Microsoft", "Microsoft SQL Server, then Microsoft SQL Server 2.", 0),
        ("en", "Italy", "Northern Italy", "He toured Northern Italy.", 0),
        ("en", "Northern Italy", "Italy", "He toured Northern Italy.", 0),
        ("uk", "Корк", "Корк", "Брюс Корк відкрив антинейтрон.", 0),
        ("uk", "Корк", "Корк", "Корк — місто в графстві Корк.", 1),
        ("vi", "Tổng thống Ukraina", "Ukraina", "Tổng thống Ukraina đến thăm.", 0),
        ("vi", "Tổng thống Ukraina", "Ukraina", "Tổng thống Ukraina ở Ukraina.", 1),
        ("en", "New York City", "City Hall", "The New York City Hall stands.", 0),
        ("en", "New York City", "City Hall", "The New York City Hall is in New York City.", 1),
        ("ja", "東京都", "京都", "東京都です。", 0),
        ("ja", "東京都", "京都", "東京都と京都です。", 1),
    ],
)
@pytest.mark.parametrize("matcher", ["sentence", "chunk", "article"])
def test_a_name_inside_the_other_does_not_stand_beside_it(
    matcher: str, language: str, subject: str, object_: str, text: str, windows: int
) -> None:
    assert windows_of(text, subject, object_, language, matcher) == windows


@pytest.mark.parametrize(
    ("language", "label", "text", "mention"),
    [
        ("ar", "إيران", "ايران دولة في آسيا.", "ايران"),
        ("ar", "مصر", "مِصر دولة في أفريقيا.", "مِصر"),
        ("ar", "مصر", "مصـــر دولة.", "مصـــر"),
        ("be", "Мінск", "Мі́нск — сталіца.", "Мі́нск"),
        ("bg", "Берлин", "Берлѝн е град.", "Берлѝн"),
        ("en", "novella", "Novella is a genre.", "Novella"),
        ("en", "Austria-Hungary", "Austria–Hungary was a state.", "Austria–Hungary"),
        ("en", "New York", "in New\u202fYork and", "New\u202fYork"),
        ("en", "New York", "in New\u2060 York and", "New\u2060 York"),
        ("fa", "کرمان", "كرمان شهری است.", "كرمان"),
        ("fa", "کتاب\u200cخانه ملی", "کتابخانه ملی ایران", "کتابخانه ملی"),
        ("he", 'ארה"ב', "ארה״ב היא מדינה.", "ארה״ב"),
        ("he", "ירושלים", "יְרוּשָׁלַיִם היא בירת ישראל.", "יְרוּשָׁלַיִם"),
        ("hy", "Եվրոպա", "Եւրոպա աշխարհամաս է։", "Եւրոպա"),
        ("hy", "Երևան", "Երեւան քաղաքը։", "Երեւան"),
        ("it", "L'Aquila", "La città de L’Aquila.", "L’Aquila"),
        ("ja", "ジャン＝ポール・サルトル", "ジャン=ポール・サルトルは作家。", "ジャン=ポール・サルトル"),
        ("ja", "カメラ", "ｶﾒﾗを持つ。", "ｶﾒﾗ"),
        ("ja", "ガメラ", "ｶﾞﾒﾗを持つ。", "ｶﾞﾒﾗ"),
        ("ko", "대한민국 임시정부", "대한민국임시정부 수립.", "대한민국임시정부"),
        ("ko", "대한민국 임시정부", "대한민국 임시정부 수립.", "대한민국 임시정부"),
        ("ro", "București", "Orașul Bucureşti.", "Bucureşti"),
        ("ru", "Москва", "Москва́ — столица России.", "Москва́"),
        ("ru", "Королёв", "Королев родился в Житомире.", "Королев"),
        ("sr", "Београд", "Beograd je glavni grad Srbije.", "Beograd"),
        ("sr", "Beograd", "Београд је главни град Србије.", "Београд"),
        ("sr", "Љубљана", "U Ljubljana, Njegoš.", "Ljubljana"),
        ("th", "อำเภอ", "อํา" + "เภอหนึ่ง", "อํา" + "เภอ"),
        ("uk", "В'єтнам", "В’єтнам — держава в Азії.", "В’єтнам"),
        ("uk", "В'єтнам", "Вʼєтнам — держава в Азії.", "Вʼєтнам"),
        ("uk", "Київ", "Ки́їв — столиця України.", "Ки́їв"),
        ("ur", "پاکستان", "پاكستان ایک ملک ہے۔", "پاكستان"),
        ("vi", "Khánh Hòa", "Tỉnh Khánh Hoà giáp Phú Yên.", "Khánh Hoà"),
    ],
)
def test_spellings_of_a_label_are_the_label(language: str, label: str, text: str, mention: str) -> None:
    """Positions are those of the text as it is stored, marks included."""
    assert mentions_in(text, label, language) == [("label", mention)]


def test_particles_follow_a_korean_name_that_is_written_as_one_word() -> None:
    found = mentions_in("대한민국임시정부가 수립되었다.", "대한민국 임시정부", "ko")
    assert found == [("suffix", "대한민국임시정부가")]
