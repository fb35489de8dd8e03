"""What the figures say, in sentences for somebody who plans streets. Only what the study holds is said."""

from collections.abc import Sequence

import numpy as np

from .indicators import true_share
from .savings import Saving
from .study import Policy, Study, Utility

ENOUGH = 0.8  # of the baseline's light: less is another service, not a saving
USER_WORDS = {"pedestrian": "people on foot", "cyclist": "cyclists", "car": "drivers"}


def headline(study: Study) -> str:
    """The one sentence of the report: what the best policy saves, and what light it leaves to whom."""
    best = most_useful(study)
    if best is study.baseline:
        return f"No policy here keeps {ENOUGH:.0%} of the light of “{best.title}” for everybody and saves energy."
    saved = 100 * (1 - best.energy_wh / study.baseline.energy_wh)
    text = f"“{best.title}” saves {saved:.0f} % of the energy of “{study.baseline.title}”"
    if not best.utility:
        return f"{text}; nobody was about."
    return f"{text}. Of the light they need, {_list([_got(k, u) for k, u in best.utility.items()])}."


def most_useful(study: Study) -> Policy:
    """The cheapest policy under which each kind of user has ENOUGH of the light of the baseline; else the baseline."""
    good = [p for p in study.policies if _worst(p) >= ENOUGH * _worst(study.baseline)]
    return min(good or [study.baseline], key=lambda p: p.energy_wh)


def sentence(policy: Policy) -> str:
    """A policy in a line."""
    text = f"{policy.energy_pct:.1f} % of full output"
    if policy.utility:
        parts = [
            f"{USER_WORDS[k]} {100 * u.mean:.0f} % (5th percentile {100 * u.p5:.0f} %)"
            for k, u in policy.utility.items()
        ]
        text += f"; of the light they need had {', '.join(parts)}"
    if policy.latency_ms:
        half, most = policy.latency_ms
        text += f"; sensor to a neighbour's lamp {half:.0f} ms (median), {most:.0f} ms (99 %)"
    return text


def saving_sentence(saving: Saving, study: Study) -> str:
    title = next(p.title for p in study.policies if p.id == saving.name)
    return (
        f"{title}: {saving.saving_wh / 1000:.2f} kWh of {saving.baseline_wh / 1000:.2f} kWh, "
        f"{100 * saving.share:.1f} ± {100 * saving.expanded_share:.1f} %, {saving.verdict}"
    )


def light_sentence(study: Study) -> str:
    """How much of the planned light the lamps still give at full level."""
    left, kept = 100 * study.light.left, 100 * study.light.kept
    if not study.lamps.age_h.any():
        return "the lamps are new"
    text = f"the lamps have {left.mean():.1f} % of their first light left, the weakest {left.min():.1f} %"
    if (study.lamps.drive == 1).all() and np.allclose(left, kept):
        return text
    planned = f"{kept.mean():.1f} % of the planned light, {kept.min():.1f} % at least"
    return f"{text}; with constant light output they give {planned}"


def truth(study: Study, savings: Sequence[Saving]) -> str:
    """Whether the posts' counters tell the truth, which only a simulation knows."""
    text = "A simulation knows the truth too: the column “true” comes from the light of every second, not from meters."
    off = [s for s in savings if abs(s.share - true_share(study, s)) > s.expanded_share]
    if not off:
        return f"{text} Every interval holds it."
    titles = {p.id: p.title for p in study.policies}
    named = _list([f"“{titles[s.name]}” ({100 * s.share:.1f} %, true {100 * true_share(study, s):.1f} %)" for s in off])
    return (
        f"{text} The interval does not hold it for {named}: a post without a power sensor estimates its energy from "
        "its level, and the estimate is off by more than the error that was assumed for a meter."
    )


def _got(kind: str, got: Utility) -> str:
    return f"{USER_WORDS[kind]} had {100 * got.mean:.0f} %"


def _list(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _worst(policy: Policy) -> float:
    return min((u.mean for u in policy.utility.values()), default=1.0)
