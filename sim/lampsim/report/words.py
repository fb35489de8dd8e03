"""What the figures say, in sentences for somebody who plans streets. Only what the study holds is said."""

from .savings import Saving
from .study import Policy, Study

USER_WORDS = {"pedestrian": "people on foot", "cyclist": "cyclists", "car": "drivers"}


def headline(study: Study) -> str:
    """The one sentence of the report: what the best policy saves, and what light it leaves."""
    best = most_useful(study)
    if best is study.baseline:
        return f"No policy here lights people as well as “{best.title}” for less energy."
    saved = 100 * (1 - best.energy_wh / study.baseline.energy_wh)
    text = f"“{best.title}” saves {saved:.0f} % of the energy of “{study.baseline.title}”"
    got = " and ".join(f"{USER_WORDS[kind]} had {u.mean:.0%}" for kind, u in best.utility.items())
    return f"{text}, while {got} of the light they need." if got else f"{text}."


def most_useful(study: Study) -> Policy:
    """The cheapest policy under which each kind of user has 90 % of the light of the baseline; else the baseline."""
    good = [p for p in study.policies if _worst(p) >= 0.9 * _worst(study.baseline)]
    return min(good or [study.baseline], key=lambda p: p.energy_wh)


def sentence(study: Study, policy: Policy) -> str:
    """A policy in a sentence or two."""
    parts = [f"{policy.energy_pct:.1f} % of full output"]
    for kind, got in policy.utility.items():
        parts.append(
            f"{USER_WORDS[kind]} had {got.mean:.0%} of the light they need, {got.p5:.0%} at the 5th percentile"
        )
    text = "; ".join(parts) + "."
    if policy.latency_ms:
        half, most = policy.latency_ms
        text += f" From a sensor to a neighbour's lamp: {half:.0f} ms (median), {most:.0f} ms (99 %)."
    return text


def saving_sentence(saving: Saving, study: Study) -> str:
    title = next(p.title for p in study.policies if p.id == saving.name)
    return (
        f"“{title}”: {saving.saving_wh / 1000:.2f} kWh of {saving.baseline_wh / 1000:.2f} kWh, "
        f"{100 * saving.share:.1f} ± {100 * saving.expanded_share:.1f} %, {saving.verdict}."
    )


def _worst(policy: Policy) -> float:
    return min((u.mean for u in policy.utility.values()), default=1.0)
