"""Verified savings against sums done by hand, and what missing readings do to them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampsim.report.make import from_counters
from lampsim.report.savings import Metered, MeterError, total, verify

RATED = np.array([100.0, 50.0])


def metered(name: str, wh: list[list[float]], rated: np.ndarray = RATED) -> Metered:
    return Metered(name, np.array(wh, dtype=float), rated)


def test_a_saving_by_hand() -> None:
    # Lamps of 100 W and 50 W, two hours. Baseline 200 + 100 Wh, reported 80 + 40 Wh: 180 of 300 Wh saved, 60 %.
    # Own errors of 2 % act on the differences 120 and 60: 0.02 * sqrt(120^2 + 60^2) = 2.6833 Wh;
    # the shared 1 % on the sum: 1.8 Wh. u = sqrt(2.6833^2 + 1.8^2) = 3.2311 Wh; expanded 2 u / 300 = 2.154 %.
    saving = verify(
        metered("full", [[100, 100], [50, 50]]), metered("dimmed", [[40, 40], [20, 20]]), MeterError(0.02, 0.01)
    )
    assert saving.saving_wh == pytest.approx(180)
    assert saving.share == pytest.approx(0.6)
    assert saving.u_wh == pytest.approx(3.23110, rel=1e-5)
    assert saving.expanded_share == pytest.approx(0.0215407, rel=1e-5)
    assert saving.completeness == 1.0
    assert saving.verified
    assert saving.verdict == "verified"


def test_a_missing_reading_is_filled_per_rated_watt() -> None:
    # In the second hour only the 100 W lamp told 30 Wh: 0.3 Wh a watt, so the 50 W lamp is taken as 15 Wh.
    energy = total(metered("dimmed", [[40, 30], [20, math.nan]]))
    assert energy.wh == pytest.approx(40 + 30 + 20 + 15)
    assert energy.filled_wh == pytest.approx(15)
    assert energy.fill_u_wh == 0.0  # one reading has no spread


def test_what_is_filled_adds_its_spread() -> None:
    # Three lamps of 10 W; two told 4 and 6 Wh: mean 5, spread 1, so the third is 5 +- 1 Wh.
    rated = np.array([10.0, 10.0, 10.0])
    energy = total(metered("x", [[4], [6], [math.nan]], rated))
    assert (energy.wh, energy.fill_u_wh) == (pytest.approx(15), pytest.approx(1))


def test_an_hour_without_any_reading_takes_the_mean_of_the_others() -> None:
    assert total(metered("x", [[10, math.nan], [5, math.nan]])).wh == pytest.approx(30)


def test_too_few_readings_verify_nothing() -> None:
    full = metered("full", [[100] * 10, [50] * 10])
    some = np.full((2, 10), 10.0)
    some[0, :3] = np.nan  # 17 of 20 are there
    saving = verify(full, Metered("dimmed", some, RATED))
    assert not saving.verified
    assert saving.verdict.startswith("not verified: 85% of the readings are present")


def test_a_saving_within_its_error_is_none() -> None:
    saving = verify(metered("full", [[100], [50]]), metered("same", [[100], [50]]))
    assert not saving.verified
    assert "uncertainty" in saving.verdict


def test_one_bad_table_is_refused() -> None:
    with pytest.raises(ValueError, match="not one reading"):
        metered("x", [[math.nan], [math.nan]])
    with pytest.raises(ValueError, match="lamps by intervals"):
        metered("x", [[1, 2]])
    with pytest.raises(ValueError, match="lamps and hours"):
        verify(metered("full", [[1], [1]]), metered("x", [[1, 1], [1, 1]]))
    with pytest.raises(ValueError, match="shares"):
        MeterError(own=2)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_the_interval_holds_the_true_saving(seed: int, dimmed: float) -> None:
    """Meters with errors drawn as stated: the true saving lies within four standard uncertainties."""
    draw = np.random.default_rng(seed)
    rated = draw.choice([40.0, 80.0], 60)
    gain = 1 + draw.normal(0, 0.02, 60) + draw.normal(0, 0.005)
    full = np.tile(rated[:, None], (1, 12))
    saving = verify(
        Metered("full", full * gain[:, None], rated),
        Metered("dimmed", dimmed * full * gain[:, None], rated),
        MeterError(0.02, 0.005),
    )
    assert abs(saving.saving_wh - (1 - dimmed) * full.sum()) <= 4.5 * saving.u_wh


def test_energy_from_counters_by_hand() -> None:
    # Counters in mWh at five readings. First lamp: all there, 1, 2, 0 and 5 Wh. Second: the third reading is missing,
    # so the 6 Wh from the second to the fourth are spread evenly. Third: restarted before the fourth, the last is gone.
    nan = math.nan
    counters = np.array([[0, 1000, 3000, 3000, 8000], [500, 1500, nan, 7500, 7500], [0, 4000, 8000, 1000, nan]])
    expected = np.array([[1, 2, 0, 5], [1, 3, 3, 0], [4, 4, nan, nan]])
    np.testing.assert_allclose(from_counters(counters), expected)


def test_completeness_counts_readings_not_what_counters_bridge() -> None:
    table = Metered("x", np.array([[1.0, 1.0]]), np.array([10.0]), present=0.5)
    assert table.completeness == 0.5
    assert not verify(Metered("full", np.array([[9.0, 9.0]]), np.array([10.0])), table).verified
