"""How strongly a lamp is driven for a level: virtual output, and constant light output over its life.

A luminaire is often stronger than its place needs, and loses light as it ages. `output_pm` is what full level means
here, per mille of what the luminaire can do (virtual output). The table of constant light output (CLO) says how
strongly to drive it by the hours it has burnt: `0:850,20000:900,50000:1000`, a straight line between two of them, so
that it gives the same light from the first night to the last. Both scale the drive; levels, plans and reasons stay in
light.
"""

HOURS_MAX = 200000  # twice what makers claim
STEPS_MAX = 8
LEAST_PM = 500  # no luminaire is planned with half its light in reserve: a typing error must not make a street dark


def read_table(text: str) -> tuple:
    """((hours, per mille), ...) of a CLO table as text; empty: none. Raises ValueError with what would be right."""
    steps = []
    for word in text.replace(",", " ").split():
        hours, found, drive = word.partition(":")
        if not found or not _number(hours) or not _number(drive):
            raise ValueError("clo is HOURS:PERMILLE steps, such as 0:850,20000:900,50000:1000")
        steps.append((int(hours), int(drive)))
    for i, (hours, drive) in enumerate(steps):
        if not LEAST_PM <= drive <= 1000 or hours > HOURS_MAX:
            raise ValueError("clo drives with %d to 1000 per mille, up to %d hours" % (LEAST_PM, HOURS_MAX))
        if i and (hours <= steps[i - 1][0] or drive < steps[i - 1][1]):
            raise ValueError("clo steps rise, in hours and in drive")
    if len(steps) > STEPS_MAX:
        raise ValueError("clo has at most %d steps" % STEPS_MAX)
    return tuple(steps)


def drive_pm(table, hours: int) -> int:
    """The drive of a lamp that has burnt so long, per mille."""
    if not table:
        return 1000
    before_h, before_pm = 0, table[0][1]
    for at_h, at_pm in table:
        if hours < at_h:
            return before_pm + (at_pm - before_pm) * (hours - before_h) // (at_h - before_h)
        before_h, before_pm = at_h, at_pm
    return before_pm


def scaled(level_pm: int, scale_pm: int) -> int:
    """The drive for a level: never off while there is light."""
    return max(1, level_pm * scale_pm // 1000) if level_pm > 0 else 0


def _number(text: str) -> bool:
    return 0 < len(text) <= 6 and all([letter in "0123456789" for letter in text])
