"""A cabinet of 250 posts on a Raspberry Pi: what the daemon takes of its memory."""

from pathlib import Path

import pytest

from lampsim.bench.relay import cabinet

RESIDENT_MAX_MB = 42  # measured 39.2 to 40.3 MB, on two cores


@pytest.mark.slow
@pytest.mark.system
async def test_a_day_of_250_posts_fits(tmp_path, mosquitto) -> None:
    facts = await cabinet.measure(tmp_path / "cabinet", *mosquitto)
    print(facts)
    assert facts.items >= 2 * 250 * 96, "everything was stored"
    assert facts.most_mb <= RESIDENT_MAX_MB, facts


def test_it_is_measured_in_the_environment_of_its_unit() -> None:
    unit = Path(__file__).parents[2] / "deploy" / "systemd" / "lamplighter-gateway.service"
    lines = [line for line in unit.read_text().splitlines() if line.startswith("Environment=")]
    assert dict(word.split("=", 1) for line in lines for word in line[12:].split()) == cabinet.SERVICE


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    from lamplighter import __version__

    assert __version__ == version("lamplighter")
