"""A recording knows the level of each lamp at each moment, as the real dimmer has it, and survives a file."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamppost.light.dimmer import Dimmer
from lampsim.recording import Recording

CHANGES = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 1), st.integers(0, 1000), st.integers(0, 9000)), max_size=12
)


def recorded(changes, duration_ms: int = 60_000):
    """The recording of two lamps that make `changes` (gap_ms, post, target, fade), and their real dimmers' levels."""
    dimmers = [Dimmer(), Dimmer()]
    rows, t_ms = [], 0
    path: list[list] = [[], []]
    for gap_ms, post, target, fade in changes:
        t_ms += gap_ms
        rows.append((t_ms, post, dimmers[post].level(t_ms), target, fade, 3))
        dimmers[post].go(target, fade, t_ms)
        path[post].append((t_ms, target, fade))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    names = ("change_t_ms", "change_post", "change_from_pm", "change_target_pm", "change_fade_ms", "change_layer")
    empty = {"seen_t_ms": [], "seen_post": [], "seen_class": [], "latencies_ms": [12.0, 18.0], "energy_mwh": [5, 6]}
    empty |= {"full_h": [10.0, 20.0], "light_left": [1.0, 0.8], "light_kept": [1.0, 0.9]}
    one = Recording(
        ["a", "b"], ["s", "s"], [0.0, 30.0], [0.0, 0.0], [80.0, 80.0], 0, duration_ms, "1", "f" * 64,
        **dict(zip(names, columns, strict=True)), **empty, counters={"frames": 3}, faults=[{"name": "x"}],
    )  # fmt: skip
    return one, path


def truth(path, t_ms: int) -> int:
    dimmer = Dimmer()
    for at_ms, target, fade in path:
        if at_ms <= t_ms:
            dimmer.go(target, fade, at_ms)
    return dimmer.level(t_ms)


@settings(max_examples=80, deadline=None)
@given(CHANGES, st.lists(st.integers(0, 60_000), min_size=1, max_size=8))
def test_levels_are_those_of_the_dimmer(changes, moments) -> None:
    one, path = recorded(changes)
    for post, name in enumerate("ab"):
        for t_ms in moments:
            assert one.level_pm(name, t_ms) == truth(path[post], t_ms)
        levels = one.levels_each_second(name)
        assert len(levels) == 61
        assert levels.tolist() == [truth(path[post], second * 1000) for second in range(61)]


def test_a_file_brings_everything_back(tmp_path) -> None:
    one, _ = recorded([(10, 0, 500, 1000), (20, 1, 300, 0)])
    one.save(tmp_path / "run.npz")
    two = Recording.load(tmp_path / "run.npz")
    assert two.ids == one.ids
    assert two.counters == one.counters
    assert two.faults == one.faults
    assert two.log_sha256 == one.log_sha256
    assert two.latency_ms(50) == 15.0
    for name in ("change_t_ms", "change_target_pm", "energy_mwh", "x_m"):
        assert (getattr(two, name) == getattr(one, name)).all()


def test_another_file_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="no recording of lampsim"):
        Recording.load(tmp_path / "other.npz")
    with pytest.raises(KeyError):
        recorded([])[0].index("nobody")
