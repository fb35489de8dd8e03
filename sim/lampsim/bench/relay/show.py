"""The figures of `lampsim bench relay` as text and as a picture, each beside its goal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..plot import pyplot, write
from .appends import UNDER_WAY, Appends
from .cabinet import Cabinet
from .fleet import GOAL_MS, Fleet
from .measure import BUSY, Row

RATE_TIMES = 30  # of ThingsBoard's
P99_GOAL_MS, RESIDENT_GOAL_MB = 5.0, 40.0
ELSEWHERE_MAX = 0.1  # of the machine; with more the figures are not worth much
APPENDS_GOAL, APPENDS_RATIO_GOAL, CONNECTED_GOAL_S = 10_000, 0.5, 2.0
HEAD = ("relay", "lines/s", "p50 ms", "p99 ms", "MB", "most MB", "lost", "of", "repeated", "after upsert", "others")


@dataclass
class Figures:
    """All of one run; what was not asked for is None."""

    machine: str
    rows: list[Row] = field(default_factory=list)
    cabinet: Cabinet | None = None
    appends: Appends | None = None
    fleet: Fleet | None = None

    def to_json(self) -> dict:
        parts = {name: getattr(self, name) for name in ("cabinet", "appends", "fleet")}
        told = {name: part.to_json() for name, part in parts.items() if part is not None}
        return {"machine": self.machine, "relays": [row.to_json() for row in self.rows]} | told


def text(figures: Figures) -> str:
    """For a terminal."""
    lines = [f"measured on: {figures.machine}"]
    if figures.rows:
        lines += ["", *_table(figures.rows), "", *_words(figures.rows)]
    if figures.cabinet is not None:
        c = figures.cabinet
        lines.append(f"whole daemon, {c.posts} posts on {c.lines} lines, {c.items} items: {c.most_mb:.1f} MB at most")
        lines[-1] += f", {c.start_mb:.1f} MB at the start (goal {RESIDENT_GOAL_MB:g})"
    if figures.appends is not None:
        a = figures.appends
        lines.append(
            f"durable appends a second in tens: outbox {a.shared_per_s:,.0f} with {UNDER_WAY} batches under way, "
            f"{a.alone_per_s:,.0f} with one; bare SQLite FULL {a.raw_per_s:,.0f} "
            f"(goal {APPENDS_GOAL:,} and {APPENDS_RATIO_GOAL:g} of bare)"
        )
    if figures.fleet is not None:
        lines += ["", *_fleet(figures.fleet)]
    shares = [row.elsewhere for row in figures.rows]
    shares += [rate.elsewhere for rate in (figures.fleet.rates if figures.fleet is not None else ())]
    if max(shares, default=0.0) > ELSEWHERE_MAX:
        lines += [
            "",
            f"up to {max(shares):.0%} of the machine did other work meanwhile: measure again when it is quiet",
        ]
    return "\n".join(lines)


def _table(rows: list[Row]) -> list[str]:
    table = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(cells[i]) for cells in table) for i in range(len(HEAD))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)) for cells in table]


def _cells(row: Row) -> tuple[str, ...]:
    after = "no id" if row.repeated_after_upsert is None else str(row.repeated_after_upsert)
    return (
        f"{row.relay} {row.version}".strip(), f"{row.lines_per_s:,.0f}", f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}",
        f"{row.resident_mb:.0f}", f"{row.most_mb:.0f}", f"{row.lost:,}", f"{row.outage_lines:,}",
        f"{row.repeated:,}", after, f"{row.elsewhere:.0%}",
    )  # fmt: skip


def _words(rows: list[Row]) -> list[str]:
    words = [f"{row.relay}: {row.does}" for row in rows]
    by_name = {row.relay: row for row in rows}
    ours = rows[0]
    for name, times in (("thingsboard", RATE_TIMES), ("node-red", 1)):
        if name in by_name and by_name[name].lines_per_s:
            ratio = ours.lines_per_s / by_name[name].lines_per_s
            words.append(f"{ours.relay} passes on {ratio:.1f} times the lines of {name} (goal {times})")
    words.append(f"goal for {ours.relay}: p99 <= {P99_GOAL_MS:g} ms, 0 lost, 0 repeated after the upsert")
    for row in rows:
        if row.flood_missing:
            words.append(f"{row.relay}: {row.flood_missing:,} of {row.flood:,} lines were still under way at the end")
        if row.steady_missing:
            words.append(f"{row.relay}: {row.steady_missing:,} of {row.steady:,} lines at the steady rate never came")
        if row.source_bound:
            words.append(f"{row.relay}: source and centre used {row.own_busy:.0%} of a core (limit {BUSY:.0%}): they "
                         "were the bottleneck, its rate is a lower bound")  # fmt: skip
    return words


def _fleet(fleet: Fleet) -> list[str]:
    more = "at least " if fleet.at_least else ""
    lines = [
        f"fleet of {fleet.sessions:,} sessions: connected in {fleet.connected_s:.2f} s (goal {CONNECTED_GOAL_S:g}), "
        f"the state of {fleet.states:,} posts in {fleet.states_s:.1f} s, broker {fleet.broker_mb:.0f} MB, saving every "
        f"{fleet.autosave_s} s, headroom {more}{fleet.headroom:.1f}",
        "  x nominal  reports/s  PUBACK p50    p99 ms  centre p50    p99 ms  missing  broker busy  load busy   others",
    ]
    for r in fleet.rates:
        mark = "" if r.within else "  the load was the limit" if r.generator_bound else f"  over {GOAL_MS:g} ms"
        lines.append(
            f"{r.factor:>11.1f}{r.per_s:>11,.0f}{r.puback_p50_ms:>12.1f}{r.puback_p99_ms:>10.1f}{r.centre_p50_ms:>12.1f}"
            f"{r.centre_p99_ms:>10.1f}{r.missing:>9}{r.broker_busy:>13.0%}{r.own_busy:>11.0%}{r.elsewhere:>9.0%}{mark}"
        )
    return lines


def save(figures: Figures, path: Path) -> None:
    """Bars for each relay, and the fleet's delays over its rate. Raises PlotError."""
    plt = pyplot()
    figure, axes = plt.subplots(2, 2, figsize=(11, 8))
    names = [row.relay for row in figures.rows]
    panels = (
        ("lines a second", [row.lines_per_s for row in figures.rows], True),
        ("delay p99 at 30 lines a second, ms", [row.p99_ms for row in figures.rows], True),
        ("resident, MB", [row.resident_mb for row in figures.rows], False),
    )
    for (title, values, is_log), one in zip(panels, axes.flat[:3], strict=True):
        bars = one.bar(names, values)
        one.bar_label(bars, [f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in values])
        one.set_title(title)
        one.margins(y=0.15)
        if is_log and any(values):
            one.set_yscale("log")
    _last_panel(axes.flat[3], figures)
    figure.suptitle(f"Relays on one pty and one mosquitto; {figures.machine}")
    write(figure, path)


def _last_panel(axes, figures: Figures) -> None:
    """The fleet where it was measured, else what the outage cost."""
    if figures.fleet is None:
        places = range(len(figures.rows))
        axes.bar_label(axes.bar(places, [row.lost for row in figures.rows], color="tab:red"))
        axes.set_xticks(places, [row.relay for row in figures.rows])
        axes.set_title("lines lost in the outage with a kill -9")
        axes.margins(y=0.15)
        return
    rates = figures.fleet.rates
    for name, label in (("centre_p99_ms", "to the centre p99"), ("puback_p99_ms", "PUBACK p99")):
        axes.plot([r.factor for r in rates], [getattr(r, name) for r in rates], "o-", label=label)
    axes.axhline(GOAL_MS, color="grey", linestyle="--")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("times the nominal rate")
    axes.set_title(f"fleet of {figures.fleet.sessions:,} sessions, ms")
    axes.legend()
