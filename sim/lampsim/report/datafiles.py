"""The numbers behind every picture: one JSON file, and CSV files that a spreadsheet opens.

CSV: UTF-8 with a header row, point as the decimal mark, units in the names of the columns; a value that is not known
is empty. JSON: the same numbers, null where not known.
"""

import csv
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .indicators import area_m2, areas, d_e, d_p, true_share
from .savings import Saving
from .study import KINDS, Policy, Study, binned, energy_wh

STEP_S = 300


def write_all(study: Study, savings: Sequence[Saving], folder: Path) -> list[Path]:
    """report.json, policies.csv, lamps.csv and night.csv in `folder`."""
    made = [folder / name for name in ("report.json", "policies.csv", "lamps.csv", "night.csv")]
    text = json.dumps(as_json(study, savings), indent=1, ensure_ascii=False, allow_nan=False)
    made[0].write_text(text + "\n", encoding="utf-8")
    _csv(made[1], (policy_row(study, policy, savings) for policy in study.policies))
    _csv(made[2], lamp_rows(study))
    _csv(made[3], night_rows(study))
    return made


def as_json(study: Study, savings: Sequence[Saving]) -> dict[str, Any]:
    return {
        "place": study.place,
        "source": study.source,
        "latitude": study.lat,
        "longitude": study.lon,
        "time_zone": study.zone,
        "lamps": len(study.lamps),
        "rated_w": float(study.lamps.rated_w.sum()),
        "nights": [
            {"start": study.local(n.start_s).isoformat(), "hours": round(n.seconds / 3600, 3), "people": n.users.count}
            for n in study.nights
        ],
        "people": study.people,
        "policies": [
            {**policy_row(study, p, savings), "operating_states": [vars(s) for s in p.year], **p.facts}
            for p in study.policies
        ],
        "en13201_5": {
            "areas": [vars(area) for area in areas(study)],
            "area_m2": area_m2(study),
            "d_p_w_per_lx_m2": d_p(study),
        },
        "light": {
            "age_h_mean": round(float(study.lamps.age_h.mean()), 1),
            **{
                f"light_{name}_{what}": round(float(of(getattr(study.light, name))), 4)
                for name in ("left", "kept")
                for what, of in (("mean", np.mean), ("least", np.min))
            },
        },
        "savings": [
            {
                **vars(s),
                "share": s.share,
                "expanded_share": s.expanded_share,
                "true_share": true_share(study, s),
                "verdict": s.verdict,
            }
            for s in savings
        ],
        "assumptions": list(study.assumptions),
    }


def policy_row(study: Study, policy: Policy, savings: Sequence[Saving]) -> dict[str, Any]:
    """What a policy cost and gave; null for a kind of user that was not about."""
    row: dict[str, Any] = {
        "policy": policy.id,
        "title": policy.title,
        "energy_kwh_per_night": round(policy.energy_wh / 1000 / len(study.nights), 4),
        "energy_pct": round(policy.energy_pct, 3),
    }
    for kind in KINDS:
        got = policy.utility.get(kind)
        row[f"utility_{kind}_mean"] = round(got.mean, 4) if got else None
        row[f"utility_{kind}_p5"] = round(got.p5, 4) if got else None
    row["d_e_wh_per_m2_a"] = round(d_e(study, policy), 2)
    half, most = policy.latency_ms or (None, None)
    row["latency_ms_p50"], row["latency_ms_p99"] = half, most
    saving = next((s for s in savings if s.name == policy.id), None)
    row["saving_pct"] = round(100 * saving.share, 3) if saving else None
    row["saving_uncertainty_pct"] = round(100 * saving.expanded_share, 3) if saving else None
    row["readings_present_pct"] = round(100 * saving.completeness, 2) if saving else None
    return row


def lamp_rows(study: Study) -> Iterable[dict[str, Any]]:
    """Each lamp in the first night."""
    lamps = study.lamps
    used = {p.id: energy_wh(lamps, p.levels_pm) for p in study.policies}
    for i, name in enumerate(lamps.ids):
        row: dict[str, Any] = {
            "lamp": name,
            "street": lamps.streets[i],
            "kind": lamps.kinds[i],
            "x_m": round(float(lamps.x_m[i]), 2),
            "y_m": round(float(lamps.y_m[i]), 2),
            "rated_w": float(lamps.rated_w[i]),
            "age_h": round(float(lamps.age_h[i])),
            "light_left_pct": round(100 * float(study.light.left[i]), 2),
            "light_kept_pct": round(100 * float(study.light.kept[i]), 2),
        }
        for policy in study.policies:
            row[f"{policy.id}_mean_level_pct"] = round(float(policy.levels_pm[i].mean()) / 10, 2)
            row[f"{policy.id}_energy_wh"] = round(float(used[policy.id][i]), 2)
        yield row


def night_rows(study: Study) -> Iterable[dict[str, Any]]:
    """Five minutes a row: the mean level of all lamps by policy."""
    means = {p.id: binned(p.levels_pm.mean(axis=0), STEP_S) / 10 for p in study.policies}
    for i in range(math.ceil(study.night.seconds / STEP_S)):
        local = study.local(study.night.start_s + i * STEP_S)
        yield {
            "local_time": local.isoformat(),
            **{f"{name}_mean_level_pct": round(float(m[i]), 2) for name, m in means.items()},
        }


def _csv(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
