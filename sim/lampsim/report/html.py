"""The report as one page: index.html, which loads nothing but the pictures beside it.

No script, no font, no address: the page has a content security policy that forbids everything but its own style and
pictures of the same folder. Every picture has words for those who cannot see it; animations stand still for those who
asked their system for less motion. Everything that came from outside is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from .indicators import area_m2, areas, d_e, d_p, true_share
from .palette import POLICY
from .plots.year import state_names
from .savings import COMPLETE, Saving
from .study import KINDS, Policy, Study
from .words import USER_WORDS, headline, light_sentence, truth

SECTIONS = (
    ("light", "Energy and light"),
    ("night", "The night"),
    ("walk", "Somebody walks"),
    ("standard", "EN 13201-5"),
    ("savings", "Verified savings"),
    ("lamps", "The lamps"),
    ("method", "How this was made"),
)
CONTENT_POLICY = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"


def page(study: Study, savings: Sequence[Saving], pictures: dict[str, str], data: Sequence[str], made: str) -> str:
    """The whole page. `pictures` maps a name to its file in the same folder, `made` says how to make it again."""
    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    body = [
        _header(study),
        _nav(pictures),
        '<main class="wrap">',
        _cards(study),
        _light(study, pictures),
        _night(pictures),
        _walk(study, pictures),
        _standard(study, pictures),
        _savings(study, savings, pictures),
        _lamps(study, pictures),
        _method(study, data, made),
        "</main>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}"/>\n'
        f"<title>{escape(study.place)}: lighting policies compared</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def _header(study: Study) -> str:
    first, last = study.local(study.nights[0].start_s), study.local(study.nights[-1].start_s)
    nights = f"the night of {first:%-d %B %Y}" if len(study.nights) == 1 else f"{first:%-d %B} to {last:%-d %B %Y}"
    lamps, watts = len(study.lamps), study.lamps.rated_w.sum()
    count = len(study.policies)
    return (
        f'<header><div class="wrap"><h1>{escape(study.place)}</h1>'
        f'<p class="quiet">{lamps:,} lamps, {watts / 1000:.1f} kW · {nights} · '
        f"{count} lighting {'policy' if count == 1 else 'policies'}, the same people</p>"
        f'<p class="lead">{escape(headline(study))}</p></div></header>'
    )


def _nav(pictures: dict[str, str]) -> str:
    links = [f'<a href="#{name}">{title}</a>' for name, title in SECTIONS if name != "walk" or "walk" in pictures]
    return f'<nav aria-label="Sections"><div class="wrap">{"".join(links)}</div></nav>'


def _cards(study: Study) -> str:
    return f'<ul class="cards">{"".join(_card(study, p, i) for i, p in enumerate(study.policies))}</ul>'


def _card(study: Study, policy: Policy, number: int) -> str:
    bars = "".join(_bar(kind, got.mean) for kind, got in policy.utility.items())
    kwh = policy.energy_wh / 1000 / len(study.nights)
    return (
        f'<li class="card" style="--colour: {POLICY[number % len(POLICY)]}"><h3>{escape(policy.title)}</h3>'
        f'<div class="big">{policy.energy_pct:.1f}<span class="unit"> % of full output</span></div>'
        f'<p class="quiet">{kwh:,.1f} kWh a night</p><p>{escape(policy.summary)}</p>{bars}</li>'
    )


def _bar(kind: str, share: float) -> str:
    return (
        f'<div class="bar"><span>{USER_WORDS[kind]}</span>'
        f'<span class="track"><span class="fill" style="width: {100 * share:.1f}%"></span></span>'
        f"<span>{share:.0%}</span></div>"
    )


def _light(study: Study, pictures: dict[str, str]) -> str:
    head = ["policy", "kWh a night", "% of full"]
    kinds = [kind for kind in KINDS if any(kind in p.utility for p in study.policies)]
    head += [f"{USER_WORDS[kind]}: {what}" for kind in kinds for what in ("mean", "5th percentile")]
    head += ["sensor to neighbour's lamp, ms: median", "99 %"]
    rows = []
    for policy in study.policies:
        cells = [f"{policy.energy_wh / 1000 / len(study.nights):.2f}", f"{policy.energy_pct:.1f}"]
        for kind in kinds:
            got = policy.utility.get(kind)
            cells += [f"{got.mean:.2f}", f"{got.p5:.2f}"] if got else ["–", "–"]
        cells += [f"{ms:.0f}" for ms in policy.latency_ms] if policy.latency_ms else ["–", "–"]
        rows.append([policy.title, *cells])
    caption = (
        "Utility is the share of the light that a person needed and got, second by second: on foot or by bicycle, full "
        "light within 15 m, 60 % within 30 m, 30 % within 60 m; at the wheel, full light for 63 m ahead (the stopping "
        "sight distance at 50 km/h). A lamp counts with the light it has left."
    )
    return _section(
        "light",
        _figure(pictures, "energy", caption, "Energy and utility of each policy")
        + _table(head, rows, "Energy, utility (1 is all the light needed) and delay."),
    )


def _night(pictures: dict[str, str]) -> str:
    lapse = "The whole night in some seconds. Dots of colour are people; a frame is the mean of ten minutes."
    mean = "Mean level of all lamps, in steps of five minutes, and how many people were about."
    heat = (
        "Each row is a lamp, in the order of the cable; each column a minute. Bright is full light, dark blue is off."
    )
    return _section(
        "night",
        _figure(pictures, "lapse", lapse, "Moving map of the lamps through the night, policies side by side", True)
        + _figure(pictures, "mean", mean, "Mean level over local time, a line a policy")
        + _figure(pictures, "heat", heat, "Level of every lamp over local time, a panel a policy"),
    )


def _walk(study: Study, pictures: dict[str, str]) -> str:
    if "walk" not in pictures:
        return ""
    walk = (
        "One walk under each policy. Time runs to the right, the way they went upwards; each band is a lamp. The white "
        "line is the person: light above it lies ahead of them, light below it behind."
    )
    wave = f"The same moments on the map under “{escape(study.policies[-1].title)}”, five times faster than life."
    return _section(
        "walk",
        _figure(pictures, "walk", walk, "Time-space diagram of a person and the light around them")
        + _figure(pictures, "wave", wave, "Moving map: light runs ahead of a person", True),
    )


def _standard(study: Study, pictures: dict[str, str]) -> str:
    states = state_names(study)
    head = ["policy", *(f"{name}: h/a" for name in states), "energy, kWh/a", "D_E (AECI), kWh/(m² a)"]
    rows = []
    for policy in study.policies:
        hours = {state.name: state.hours for state in policy.year}
        year_kwh = sum(state.energy_wh for state in policy.year) / 1000
        cells = [f"{hours[name]:,.0f}" if name in hours else "–" for name in states]
        rows.append([policy.title, *cells, f"{year_kwh:,.0f}", f"{d_e(study, policy) / 1000:.3g}"])
    kinds = [[a.name, f"{a.lux:g}", f"{a.area_m2:,.0f}", *_light_left(study, a.name)] for a in areas(study)]
    text = (
        f"<p>Power density indicator at full output: <strong>D_P (PDI) = {1000 * d_p(study):.1f} mW/(lx m²)</strong>, "
        "system power over the sum of illuminance times area. Annual energy consumption indicator: D_E (AECI), the "
        f"energy of all operating states of a year over {area_m2(study):,.0f} m², standby included.</p>"
        '<div class="note"><strong>Assumed, not measured.</strong> An inventory holds no illuminance and no widths: '
        "the maintained average illuminance and the lit area of a lamp are assumptions. Give figures of your own with "
        "<code>--street-lux</code>, <code>--park-lux</code>, <code>--street-area</code> and <code>--park-area</code>."
        "</div>"
    )
    return _section(
        "standard",
        text
        + _table(
            [
                "lamps",
                "illuminance, lx",
                "lit area, m²",
                "hours at full output",
                "light left, %: mean",
                "least",
                "planned light given, %: mean",
                "least",
            ],
            kinds,
            f"{light_sentence(study).capitalize()}. Without constant light output a lamp gives what it has left.",
        )
        + _figure(
            pictures, "year", "Where the energy of a year goes.", "Annual energy by operating state, a bar a policy"
        )
        + _table(head, rows, "Hours are means over the lamps."),
    )


def _light_left(study: Study, kind: str) -> list[str]:
    """Age and light of the lamps of a kind: mean age, shares left and given."""
    mine = [i for i, k in enumerate(study.lamps.kinds) if k == kind]
    left, kept = 100 * study.light.left[mine], 100 * study.light.kept[mine]
    return [
        f"{study.lamps.age_h[mine].mean():,.0f}",
        *(f"{of:.1f}" for of in (left.mean(), left.min(), kept.mean(), kept.min())),
    ]


def _savings(study: Study, savings: Sequence[Saving], pictures: dict[str, str]) -> str:
    if not savings:
        return _section("savings", "<p>One policy alone has nothing to be compared with.</p>")
    rows = [
        [
            next(p.title for p in study.policies if p.id == s.name),
            f"{s.saving_wh / 1000:.2f}",
            f"{100 * s.share:.1f}",
            f"± {100 * s.expanded_share:.1f}",
            f"{100 * s.completeness:.2f}",
            f"{s.filled_wh / 1000:.3f}",
            f"{100 * true_share(study, s):.1f}",
            s.verdict.split(":")[0],
        ]
        for s in savings
    ]
    head = ["policy", "saving, kWh", "saving, %", "95 %", "readings present, %", "filled, kWh", "true, %", "verdict"]
    text = (
        f"<p>Against the baseline <strong>“{escape(study.baseline.title)}”</strong>: the same lamps in the same "
        "hours, by the energy counters of the posts as the gateway received them. A missing reading is never taken as "
        "zero: it is filled from the lamps that did answer in that hour, and widens the interval. A saving counts as "
        f"verified where at least {COMPLETE:.0%} of the readings are there and it exceeds twice its standard "
        "uncertainty (in the manner of IPMVP, option B; uncertainties combined as in the GUM).</p>"
    )
    note = f'<div class="note">{escape(truth(study, savings))}</div>'
    caption = "The saving of each policy and the interval that holds it in about 95 of 100 cases."
    figure = _figure(pictures, "savings", caption, "Saving of each policy with its interval")
    return _section("savings", text + note + figure + _table(head, rows))


def _lamps(study: Study, pictures: dict[str, str]) -> str:
    lamps = study.lamps
    spacing = lamps.spacing_m()
    rows = []
    for kind in dict.fromkeys(lamps.kinds):
        mine = [w for k, w in zip(lamps.kinds, lamps.rated_w, strict=True) if k == kind]
        rows.append([kind, f"{len(mine):,}", f"{sum(mine) / 1000:.2f}", f"{spacing[kind]:.0f}"])
    caption = "Drawn from the coordinates alone; faint dots are where people went in the first night."
    head = ["lamps", "count", "rated, kW", "median distance to the next, m"]
    return _section("lamps", _figure(pictures, "map", caption, "Map of the lamps", True) + _table(head, rows))


def _method(study: Study, data: Sequence[str], made: str) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in study.assumptions)
    files = ", ".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in data)
    return _section(
        "method",
        f"<p>Lamps: {escape(study.source)}. People: {escape(study.people)}.</p>"
        f'<div class="note"><strong>Assumptions.</strong><ul>{items}</ul></div>'
        f"<p>All numbers behind the pictures: {files}.</p>"
        f'<p>To make this page again: <code class="command">{escape(made)}</code></p>',
    )


# --- pieces


def _section(name: str, content: str) -> str:
    return f'<section id="{name}"><h2>{dict(SECTIONS)[name]}</h2>{content}</section>'


def _figure(pictures: dict[str, str], name: str, caption: str, alt: str, dark: bool = False) -> str:
    """A picture with its caption; nothing where there is none. A still beside an animation serves reduced motion."""
    if name not in pictures:
        return ""
    image = f'<img src="{escape(pictures[name])}" alt="{escape(alt)}"/>'
    if f"{name}-still" in pictures:
        still = escape(pictures[f"{name}-still"])
        image = f'<picture><source srcset="{still}" media="(prefers-reduced-motion: reduce)"/>{image}</picture>'
    opening = '<figure class="dark">' if dark else "<figure>"
    return f"{opening}{image}<figcaption>{caption}</figcaption></figure>"


def _table(head: Iterable[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{named}<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'
