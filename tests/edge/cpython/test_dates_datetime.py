"""Day numbers against CPython's datetime."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamppost.light import dates

EPOCH = datetime.date(2000, 1, 1)


@given(st.dates())
def test_same_as_datetime(date: datetime.date) -> None:
    day = (date - EPOCH).days
    assert dates.day_of(date.year, date.month, date.day) == day
    assert dates.civil(day) == (date.year, date.month, date.day)
    assert dates.weekday(day) == date.weekday()


@given(st.datetimes(timezones=st.just(datetime.UTC)))
def test_text_is_what_datetime_reads(moment: datetime.datetime) -> None:
    moment = moment.replace(microsecond=0)
    utc_s = int((moment - datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)).total_seconds())
    assert datetime.datetime.fromisoformat(dates.text(utc_s)) == moment


@given(st.integers(-5, 10005), st.integers(-5, 20), st.integers(-5, 40))
def test_exactly_the_dates_that_exist_are_taken(y: int, m: int, d: int) -> None:
    try:
        day = (datetime.date(y, m, d) - EPOCH).days
    except ValueError:
        with pytest.raises(ValueError, match=r"is not in"):
            dates.day_of(y, m, d)
    else:
        assert dates.day_of(y, m, d) == day
