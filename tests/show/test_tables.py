import pytest

from tutorial_lib.experiment import Claim
from tutorial_lib.show import claims, table


def test_columns_in_order_of_appearance_and_blanks_where_missing():
    shown = table([{"a": 1, "b": "x"}, {"b": "long", "c": 2.5}])
    assert shown.alt.splitlines() == ["a | b    | c", "1 | x    |", "  | long | 2.5"]
    assert shown.html.count("<tr>") == 3


def test_formats_numbers_only():
    shown = table([{"dB": 28.4314}, {"dB": "—"}], formats={"dB": ".2f"})
    assert shown.alt.splitlines()[1:] == ["28.43", "—"]


def test_text_is_escaped():
    assert "<b>" not in table([{"a": "<b>"}]).html


def test_no_rows_and_unknown_formats_are_errors():
    with pytest.raises(ValueError, match="no rows"):
        table([])
    with pytest.raises(ValueError, match="no column x; there are: a"):
        table([{"a": 1}], formats={"x": ".1f"})


def test_claims_are_answered_from_the_ledger():
    claim = Claim("a finding", lambda read: f"measured {read('srgan/example')}")
    shown = claims([claim], read=lambda name: f"<{name}>")
    assert "a finding" in shown.alt
    assert "measured <srgan/example>" in shown.alt
