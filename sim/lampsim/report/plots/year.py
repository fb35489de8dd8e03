"""A year by EN 13201-5: where the energy of each policy goes; and the verified saving with its interval."""

from typing import Any

from ..palette import INK, LIGHT, POLICY, QUIET, style
from ..savings import Saving
from ..study import Study

SHADES = {"full": LIGHT[6], "dimmed": LIGHT[4], "presence": "#56b4e9", "standby": "#9aa5b1"}
HATCH = {"full": "", "dimmed": "//", "presence": "..", "standby": "xx"}


def operating_states(study: Study, area_m2: float) -> Any:
    """A bar a policy: annual energy per lit area, by operating state, in kWh/(m2 a)."""
    with style() as figure:
        fig = figure(figsize=(9.6, 1.3 + 0.6 * len(study.policies)), layout="constrained")
        axes = fig.subplots()
        kinds = [state_kind(name) for name in state_names(study)]
        for kind in dict.fromkeys(kinds):
            axes.barh(0, 0, color=SHADES[kind], hatch=HATCH[kind], edgecolor="white", label=_WORDS[kind])
        for row, policy in enumerate(study.policies):
            left = 0.0
            for state in policy.year:
                value = state.energy_wh / area_m2 / 1000
                kind = state_kind(state.name)
                axes.barh(row, value, 0.56, left, color=SHADES[kind], hatch=HATCH[kind], edgecolor="white", lw=0.6)
                left += value
            axes.text(left, row, f"  {left:.3g}", va="center", weight="bold")
        axes.set_yticks(range(len(study.policies)), [p.title for p in study.policies])
        axes.invert_yaxis()
        axes.set_xlabel("annual energy consumption indicator $D_E$ (kWh/(m² a))")
        axes.margins(x=0.1)
        axes.grid(axis="y", visible=False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4)
        return fig


def state_names(study: Study) -> list[str]:
    """Every operating state of any policy: full, then by falling level, then presence, then standby."""
    order = list(SHADES)
    names = dict.fromkeys(state.name for policy in study.policies for state in policy.year)

    def rank(name: str) -> tuple[int, float]:
        kind = state_kind(name)
        return order.index(kind), -float(name.split()[0]) if kind == "dimmed" else 0.0

    return sorted(names, key=rank)


def state_kind(name: str) -> str:
    """The kind of an operating state, by its name's first word; a level below full is `dimmed`."""
    word = name.split()[0]
    return word if word in SHADES else "dimmed"


def saving_intervals(study: Study, savings: list[Saving]) -> Any:
    """A row a policy: the saving in per cent of the baseline and its interval of 95 %; None without a comparison."""
    if not savings:
        return None
    titles = {p.id: p.title for p in study.policies}
    colours = {p.id: POLICY[i % len(POLICY)] for i, p in enumerate(study.policies)}
    with style() as figure:
        fig = figure(figsize=(9.6, 1.2 + 0.55 * len(savings)), layout="constrained")
        axes = fig.subplots()
        for row, saving in enumerate(savings):
            half, share = 100 * saving.expanded_share, 100 * saving.share
            axes.errorbar(
                share, row, xerr=half, fmt="o", ms=8, capsize=6, capthick=2, lw=2.4, color=colours[saving.name]
            )
            text = f"{share:.1f} ± {half:.1f} %"
            axes.text(share, row - 0.22, text, ha="center", va="bottom", weight="bold", color=INK)
        axes.axvline(0, color=QUIET, lw=1)
        axes.set_yticks(range(len(savings)), [titles[s.name] for s in savings])
        axes.set_ylim(len(savings) - 0.5, -0.8)
        axes.set_xlim(min(-5.0, *(100 * (s.share - s.expanded_share) - 3 for s in savings)), 103)
        axes.set_xlabel(f"saving (% of the energy of “{titles[savings[0].baseline]}”), interval of 95 %")
        axes.grid(axis="y", visible=False)
        return fig


_WORDS = {"full": "full output", "dimmed": "dimmed by plan", "presence": "raised by presence", "standby": "standby"}
