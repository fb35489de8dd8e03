"""The table of a night is read on a terminal of 80 columns, and in a log."""

import io

from rich.console import Console

from lampsim.night.measure import Figures
from lampsim.night.runs import Row
from lampsim.night.table import show

FIGURES = Figures(100.0, 0.99912, 0.9962, 1.0, float("nan"))
CAUSES = ("starts", "gaps", "rules", "ramps", "bus")


def shown() -> str:
    lost: dict[str, float | None] = {
        f"lost_{kind}_{cause}": 0.00123 for kind in ("ped", "car", "cyclist") for cause in CAUSES
    }
    measured = {"latency_ms_p50": 17.8, "latency_ms_p99": 308.0, "baud": 115200, "loss": 0.05, "heard_share": 0.9429}
    rows = [
        Row("users-1000", 2000, 0, 43200, "CONV", FIGURES),
        Row("users-1000", 2000, 0, 43200, "BENCH", FIGURES, {**lost}),
        Row("users-1000", 2000, 0, 43200, "REAL", FIGURES, {**measured, **lost}),
    ]
    out = io.StringIO()
    show(rows, Console(file=out, width=80))
    return out.getvalue()


def test_nothing_is_cut_off() -> None:
    text = shown()
    assert "…" not in text
    for words in ("users-1000: 2000 users, 18:00 to 06:00", "0.999 │ 0.996", "lost cyclist starts", "0.0012", "115200"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80
