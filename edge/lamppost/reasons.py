"""Why a post gives the light it gives, in rows for people. Loaded when somebody asks."""

from lamppost.light.layers import LUMINAIRE, SCALE
from lamppost.light.output import drive_pm


def why(post, utc_s: "int | None", t_ms: int):
    """(utc_s or None, level_pm, winning layer, chain) now (utc_s None) or at another moment."""
    now = post.clock.utc_s(t_ms)
    if utc_s is None or utc_s == now:
        layer = post.decision.layer if post.decision else 0
        level_pm, chain = post.arbiter.why(post.plan, post.presence, now, t_ms, post.temp_dc)
        return now, level_pm, layer, chain + _scales(post)
    level_pm, chain = post.arbiter.explain(post.plan, utc_s, now, t_ms)
    won = [row[0] for row in chain if row[3]]
    return utc_s, level_pm, won[-1] if won else 0, chain


def _scales(post) -> list:
    """What stands between the level and the lamp's drive, as rows of a chain."""
    rows = []
    output_pm = post.settings.get("output-pm")
    if output_pm != 1000:
        rows.append([LUMINAIRE, SCALE, output_pm, 0, 0, "virtual output"])
    if post.clo:
        hours = post.upkeep.lit_s // 3600
        rows.append([LUMINAIRE, SCALE, drive_pm(post.clo, hours), 0, 0, "constant light output at %d h" % hours])
    return rows
