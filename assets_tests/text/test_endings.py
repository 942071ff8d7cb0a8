"""Endings and beginnings that are learned from pairs of a name and a form of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.text.inflection.endings import END, MAX_FORMS, START, Endings, compare_words


@pytest.mark.parametrize(
    ("name", "form", "changes"),
    [
        ("Берлін", "Берліна", ((END, "", "а"),)),
        ("Київ", "Києва", ((END, "їв", "єва"),)),
        ("Північна Америка", "Північної Америки", ((END, "а", "ої"), (END, "а", "и"))),
        ("Сполучені Штати Америки", "Сполучених Штатів Америки", ((END, "і", "их"), (END, "и", "ів"), None)),
        ("Людина", "людини", ((END, "а", "и"),)),
        ("Άνθρωπος", "ανθρώπου", ((END, "ς", "υ"),)),
        ("Corcaigh", "gCorcaigh", ((START, "", "g"),)),
        ("Caerdydd", "Gaerdydd", ((START, "C", "G"),)),
        ("ישראל", "בישראל", ((START, "", "ב"),)),
        ("Берлін", "Берлін", (None,)),
        ("Берлін", "столиця", None),
        ("Берлін", "місто Берлін", None),
        ("Німеччина", "німецький", None),
        ("Ірак", "Бірм", None),
        ("Берлін", "Берлін-5", None),
        ("Рим", "Р", None),
        ("Рим", "", None),
        ("Βερολίνο", "Βερολινό", None),
    ],
)
def test_forms_are_names_with_other_endings_or_beginnings(
    name: str, form: str, changes: tuple[object, ...] | None
) -> None:
    assert compare_words(name, form) == changes


def learn(pairs: str) -> Endings:
    """From pairs "name:form name:form", with `_` for spaces within them; all names occur as such, too."""
    endings = Endings()
    for pair in pairs.split():
        name, _, form = pair.replace("_", " ").partition(":")
        endings.add(name, name, 3)
        endings.add(name, form, 1)
    return endings


@pytest.mark.parametrize(
    ("name", "form", "pairs"),
    [
        ("العراق", "والعراق", "الهند:والهند الصين:والصين القدس:والقدس اليمن:واليمن السودان:والسودان"),
        ("بغداد", "وبغداد", "برلين:وبرلين بيروت:وبيروت باريس:وباريس لندن:ولندن مصر:ومصر"),
        ("Дунав", "Дунава", "Арав:Арава Прав:Права Нил:Нила Рейн:Рейна Днепър:Днепъра"),
        ("Danmark", "Danmarks", "Irak:Iraks Tyrk:Tyrks Berlin:Berlins Oslo:Oslos Wien:Wiens"),
        ("Αθήνα", "Αθήνας", "Σμύρνα:Σμύρνας Βιέννα:Βιέννας Ρώμη:Ρώμης Πάτρα:Πάτρας Θήβα:Θήβας"),
        ("Bilbo", "Bilbon", "Oslo:Oslon Bordelebo:Bordelebon Limbo:Limbon Paris:Parisn Roma:Roman"),
        ("Corcaigh", "gCorcaigh", "Cabhán:gCabhán Ciarraí:gCiarraí Cuba:gCuba Clár:gClár Cill:gCill"),
        ("ישראל", "בישראל", "יוון:ביוון יפן:ביפן ירדן:בירדן ברלין:בברלין רומא:ברומא"),
        ("საქართველო", "საქართველოში", "ოსლო:ოსლოში ჰელო:ჰელოში რომი:რომიში კუბა:კუბაში ჩილე:ჩილეში"),
        ("Roma", "Romae", "Gamma:Gammae Alma:Almae Italia:Italiae Gallia:Galliae Graecia:Graeciae"),
        ("Norge", "Norges", "Helge:Helges Inge:Inges Oslo:Oslos Bergen:Bergens Kina:Kinas"),
        ("Москва", "Москве", "Литва:Литве Нева:Неве Уфа:Уфе Самара:Самаре Прага:Праге"),
        ("Tirana", "Tiranë", "Ana:Anë Lana:Lanë Roma:Romë Vjena:Vjenë Kosova:Kosovë"),
        ("Stockholm", "Stockholms", "Malm:Malms Ulm:Ulms Rom:Roms Berlin:Berlins Wien:Wiens"),
        ("சென்னை", "சென்னையில்", "கோவை:கோவையில் மதுரை:மதுரையில் கரை:கரையில் உதகை:உதகையில் மலை:மலையில்"),
        ("Caerdydd", "Nghaerdydd", "Caer:Nghaer Caint:Nghaint Cae:Nghae Caerau:Nghaerau Cai:Nghai"),
        ("Північна_Корея", "Північної_Кореї", "Північна_Азія:Північної_Азії Східна_Індія:Східної_Індії"
         " Західна_Нубія:Західної_Нубії Мала_Азія:Малої_Азії Стара_Русія:Старої_Русії"
         " Нова_Алея:Нової_Алеї Нова_Шлея:Нової_Шлеї"),
    ],
)  # fmt: skip
def test_a_form_is_expected_where_other_names_have_it(name: str, form: str, pairs: str) -> None:
    """Cases, articles, genitives, mutations and written prefixes of languages without a suffix table."""
    assert form.replace("_", " ") in learn(pairs).forms_of(name.replace("_", " "))


def test_nothing_is_expected_from_few_words_or_from_one_word_in_many_names() -> None:
    few = "Litva:Litve Neva:Neve Ufa:Ufe Samara:Samare"
    assert learn(few).forms_of("Moskva") == []
    assert learn(few + " Praga:Prage").forms_of("Moskva") == ["Moskve"]
    assert learn(few + " Nova_Neva:Nova_Neve Stara_Neva:Stara_Neve").forms_of("Moskva") == []
    assert Endings().forms_of("Moskva") == []


def test_a_rare_ending_is_not_expected() -> None:
    endings = learn("Litva:Litve Neva:Neve Ufa:Ufe Samara:Samare Praga:Prage")
    for number in range(30):
        endings.add(f"Va{'a' * number}va", f"Va{'a' * number}va", 20)
    assert endings.forms_of("Moskva") == []


def test_endings_of_several_words_go_together() -> None:
    """As they did in several names; where words are added, they stay as they are."""
    endings = learn(
        "Bela_Reka:Belu_Reku Nova_Reka:Novu_Reku Litva:Litvu Neva:Nevu Mala_Luka:Malu_Luku"
        " Stara_Luka:Staru_Luku"
    )
    assert endings.forms_of("Siva Roka") == ["Sivu Roku"]
    # No word that ends in -na was seen with another ending.
    assert set(endings.forms_of("Siva Roka Dana")) == {"Sivu Roku Dana", "Sivu Roka Dana"}
    assert endings.forms_of("a b c d e f g") == endings.forms_of("Siva  Roka") == []


WORDS = st.text(alphabet="abcde", min_size=1, max_size=5)
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


@given(st.lists(st.tuples(NAMES, NAMES, st.integers(1, 9)), max_size=60), NAMES)
@settings(max_examples=200, deadline=None)
def test_expected_forms_are_forms_of_the_name(pairs: list[tuple[str, str, int]], name: str) -> None:
    endings = Endings()
    for pair in pairs:
        endings.add(*pair)
    forms = endings.forms_of(name)
    assert len(set(forms)) == len(forms) <= MAX_FORMS and name not in forms
    assert all(len(form.split()) == len(name.split()) for form in forms)
