"""Energy and the light people had of it, a policy a row: what was paid and what was got, side by side."""

from typing import Any

from ..palette import MARKS, POLICY, QUIET, USER, style
from ..study import Study

SHIFT = {"pedestrian": -0.17, "cyclist": 0.0, "car": 0.17}  # rows of one policy, apart from each other


def energy_and_utility(study: Study) -> Any:
    """Left: kWh a night and per cent of full output. Right: utility by kind of user, mean and 5th percentile."""
    with style() as figure:
        fig = figure(figsize=(9.6, 1.5 + 0.72 * len(study.policies)), layout="constrained")
        left, right = fig.subplots(1, 2, sharey=True, width_ratios=(1, 1.05))
        _energy(left, study)
        _utility(right, study)
        return fig


def _energy(axes: Any, study: Study) -> None:
    nights = len(study.nights)
    most = max(p.energy_wh for p in study.policies) / nights / 1000
    for row, policy in enumerate(study.policies):
        kwh = policy.energy_wh / nights / 1000
        axes.barh(row, kwh, height=0.56, color=POLICY[row % len(POLICY)])
        axes.text(kwh + 0.02 * most, row, f"{kwh:.3g} kWh · {policy.energy_pct:.1f} %", va="center", weight="bold")
    axes.set(title="Energy", xlabel="energy of a night (kWh); % of full output", xlim=(0, 1.5 * most))
    axes.set_yticks(range(len(study.policies)), [p.title for p in study.policies])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


def _utility(axes: Any, study: Study) -> None:
    for row, policy in enumerate(study.policies):
        for mark, (kind, shift) in zip(MARKS, SHIFT.items(), strict=False):
            got = policy.utility.get(kind)
            if got is None:
                continue
            first = not any(kind in p.utility for p in study.policies[:row])
            axes.plot([got.p5, got.mean], [row + shift] * 2, color=USER[kind], lw=2.4, solid_capstyle="butt")
            axes.plot(got.p5, row + shift, "|", color=USER[kind], ms=9, mew=2)
            label = kind if first else None
            axes.plot(got.mean, row + shift, mark, color=USER[kind], ms=8, mec="white", mew=0.8, label=label)
    axes.axvline(1, color=QUIET, lw=0.8)
    axes.set(title="Light for people", xlabel="utility (1 = all the light needed): mean, bar to 5th percentile")
    axes.set_xlim(-0.02, 1.03)
    axes.grid(axis="y", visible=False)
    if not any(policy.utility for policy in study.policies):
        axes.text(0.5, (len(study.policies) - 1) / 2, "nobody was about", ha="center", va="center", color=QUIET)
        return
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.01, 0.985), ncols=3, handletextpad=0.1, columnspacing=0.8, fontsize=9
    )
