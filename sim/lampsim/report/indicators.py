"""The study by EN 13201-5, and its savings: what the tables of the report hold."""

from .en13201 import Area, State, annual_consumption, power_density
from .savings import MeterError, Saving, verify
from .study import Policy, Study


def areas(study: Study) -> list[Area]:
    """The lit area of each kind of lamp, by the stated assumptions."""
    found = []
    for kind in dict.fromkeys(study.lamps.kinds):
        count = study.lamps.kinds.count(kind)
        found.append(Area(kind, study.lit_lux[kind], count * study.lamp_m2[kind]))
    return found


def area_m2(study: Study) -> float:
    return sum(area.area_m2 for area in areas(study))


def d_p(study: Study) -> float:
    """D_P of the installation at full output, W/(lx m2)."""
    return power_density(study.lamps.full_w, areas(study))


def d_e(study: Study, policy: Policy) -> float:
    """D_E of a policy, Wh/(m2 a)."""
    states = [State(s.name, s.energy_wh / s.hours if s.hours else 0.0, s.hours) for s in policy.year]
    return annual_consumption(states, area_m2(study))


def savings(study: Study, error: MeterError | None = None) -> list[Saving]:
    """Each policy's saving against the first one, by the posts' own readings."""
    return [verify(study.baseline.metered, policy.metered, error) for policy in study.policies[1:]]


def true_share(study: Study, saving: Saving) -> float:
    """The saving as the simulation knows it, from the levels of every second, as a share of the baseline."""
    policy = next(p for p in study.policies if p.id == saving.name)
    return 1 - policy.energy_wh / study.baseline.energy_wh
