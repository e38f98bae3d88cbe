"""Minutes to units: the golden cases of the rules, and what must hold for any day."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.units import Delivered, Rounding, Rule, Scope, day_units, round_minutes, session_units, share_by_cms

AMA_SUM = Rounding(Rule.AMA_MIDPOINT, Scope.SUM_THEN_ROUND)
AMA_EACH = Rounding(Rule.AMA_MIDPOINT, Scope.ROUND_EACH)
CMS = Rounding(Rule.CMS_8_MINUTE)
ROUNDINGS = [Rounding(rule, scope) for rule in Rule for scope in Scope]

minutes = st.integers(0, 24 * 60)
codes = st.sampled_from(["97153", "97155", "97156"])
days = st.lists(st.builds(Delivered, codes, minutes), max_size=6)


@pytest.mark.parametrize(
    ("given_minutes", "units"),
    [(0, 0), (7, 0), (8, 1), (15, 1), (16, 1), (22, 1), (23, 2), (37, 2), (38, 3), (52, 3), (53, 4), (120, 8)],
)
def test_a_unit_counts_once_more_than_half_is_done(given_minutes: int, units: int) -> None:
    assert round_minutes(given_minutes) == units


def test_minutes_are_never_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        round_minutes(-1)


def test_eight_and_eight_minutes_of_two_codes() -> None:
    day = [Delivered("97153", 8), Delivered("97155", 8)]
    assert sum(day_units(AMA_SUM, day).values()) == 2
    assert day_units(CMS, day) == {"97153": 1, "97155": 0}


def test_twice_twenty_two_minutes_of_one_code() -> None:
    day = [Delivered("97153", 22), Delivered("97153", 22)]
    assert day_units(AMA_SUM, day) == {"97153": 3}
    assert day_units(AMA_EACH, day) == {"97153": 2}


def test_whole_quarter_hours_go_to_their_codes_and_the_rest_to_the_most_left_over() -> None:
    assert share_by_cms({"97153": 33, "97155": 7}) == {"97153": 2, "97155": 1}  # 40 minutes: 3 units
    assert share_by_cms({"97153": 18, "97155": 20}) == {"97153": 1, "97155": 2}  # 38 minutes: 3 units
    assert share_by_cms({"97153": 7, "97155": 7, "97156": 7}) == {"97153": 1, "97155": 0, "97156": 0}


def test_the_second_session_of_a_day_gets_what_the_sum_allows_beyond_the_first() -> None:
    first = Delivered("97153", 22, units=1)
    assert session_units(AMA_SUM, Delivered("97153", 22), [first]) == 2
    assert session_units(AMA_EACH, Delivered("97153", 22), [first]) == 1
    # Another code is rounded by itself under the AMA rule, together under the CMS rule.
    assert session_units(AMA_SUM, Delivered("97155", 8), [Delivered("97153", 8, units=1)]) == 1
    assert session_units(CMS, Delivered("97155", 8), [Delivered("97153", 8, units=1)]) == 0


def test_units_are_never_taken_back() -> None:
    assert session_units(AMA_SUM, Delivered("97153", 0), [Delivered("97153", 20, units=2)]) == 0


def test_the_rule_is_kept_in_words() -> None:
    assert str(Rounding()) == "AMA_MIDPOINT/SUM_THEN_ROUND"


def one_after_another(rounding: Rounding, day: Iterable[Delivered]) -> list[Delivered]:
    """The sessions of a day as they end, each with the units it got."""
    ended: list[Delivered] = []
    for session in day:
        units = session_units(rounding, session, ended)
        ended.append(Delivered(session.service_code, session.minutes, units))
    return ended


@given(minutes)
def test_a_unit_is_never_more_than_half_a_unit_away(given_minutes: int) -> None:
    assert -7 <= 15 * round_minutes(given_minutes) - given_minutes <= 7


@given(st.dictionaries(codes, minutes))
def test_cms_shares_add_up_and_no_code_gets_more_than_one_unit_beyond_its_quarter_hours(
    by_code: dict[str, int],
) -> None:
    shares = share_by_cms(by_code)
    assert sum(shares.values()) == round_minutes(sum(by_code.values()))
    assert all(0 <= shares[code] - by_code[code] // 15 <= 1 for code in by_code)


@given(st.sampled_from(ROUNDINGS), days)
def test_a_day_ending_one_by_one_never_exceeds_the_day_as_a_whole(rounding: Rounding, day: list[Delivered]) -> None:
    ended = one_after_another(rounding, day)
    allowed = day_units(rounding, day)
    assert sum(one.units for one in ended) <= sum(allowed.values())
    assert all(one.units >= 0 for one in ended)


@given(st.sampled_from([AMA_SUM, AMA_EACH]), days)
def test_under_the_ama_rule_it_is_exactly_the_day_as_a_whole(rounding: Rounding, day: list[Delivered]) -> None:
    given_units: dict[str, int] = {}
    for one in one_after_another(rounding, day):
        given_units[one.service_code] = given_units.get(one.service_code, 0) + one.units
    assert given_units == day_units(rounding, day)


@given(st.sampled_from(ROUNDINGS), days)
def test_the_order_of_a_day_does_not_change_its_total_under_the_ama_rule(
    rounding: Rounding, day: list[Delivered]
) -> None:
    assert day_units(rounding, day) == day_units(rounding, reversed(day))
