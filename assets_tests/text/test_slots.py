import pytest

from factroots_dagster.errors import InputError
from factroots_dagster.probing.slots import fill_template
from factroots_dagster.text.slots import find_slot_defect


@pytest.mark.parametrize(
    ("template", "defect"),
    [
        ("[X] is in [Y] .", None),
        ("[Y]: [X]", None),
        ("it is in [Y] .", "[X] 0 times"),
        ("[X] is in [Y] and [Y] .", "[Y] 2 times"),
        ("[x] is in [Y]", "[X] 0 times"),
    ],
)
def test_a_template_holds_each_slot_once(template: str, defect: str | None) -> None:
    found = find_slot_defect(template)
    assert (found is None) == (defect is None) and (defect or "") in (found or "")
    if defect is not None:
        with pytest.raises(InputError) as error:
            fill_template(template, "Cardiff", "Wales")
        assert defect in str(error.value) and template in str(error.value)
