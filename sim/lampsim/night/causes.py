"""What the missing utility is due to: one part for each cause, which together are 1 - utility.

- starts: nobody's sensor has seen the user yet            - ramps: what fades cost, by running without them
- gaps: seen before, but not in this second                - bus: what the real posts lose on their lines
- rules: seen in this second, and yet too little was asked
The first three are measured on the bench without ramps; ramps and bus are differences between whole runs, and may be
negative where slow light happened to help.
"""

import numpy as np

from .data import CAR, Users

_KINDS = (("ped", False), ("car", True))


def parts(
    users: Users, seen: np.ndarray, still: np.ndarray, bench: np.ndarray, real: np.ndarray | None
) -> dict[str, float]:
    """`lost_<kind>_<cause>` from utilities by user-second: bench without ramps (`still`), bench, real (or None)."""
    first = _first_seen(users, seen)
    lost = {}
    for name, cars in _KINDS:
        mine = ((users.kind == CAR) == cars) & ~np.isnan(still)
        count = max(1, np.count_nonzero(mine))
        missing = np.where(mine, 1 - still, 0)
        early = users.t_s < first
        lost[f"lost_{name}_starts"] = missing[early].sum() / count
        lost[f"lost_{name}_gaps"] = missing[~early & ~seen].sum() / count
        lost[f"lost_{name}_rules"] = missing[~early & seen].sum() / count
        lost[f"lost_{name}_ramps"] = (still[mine] - bench[mine]).sum() / count
        if real is not None:
            lost[f"lost_{name}_bus"] = (bench[mine] - real[mine]).sum() / count
    return {name: round(float(value), 5) for name, value in lost.items()}


def _first_seen(users: Users, seen: np.ndarray) -> np.ndarray:
    """For each row, the second in which its user was first seen."""
    _, user = np.unique(users.who, return_inverse=True)
    first = np.full(user.max() + 1 if len(user) else 0, np.iinfo(np.int64).max)
    np.minimum.at(first, user[seen], users.t_s[seen])
    return first[user]
