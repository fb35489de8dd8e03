"""The lamp of a Raspberry Pi's board: a PWM of the kernel, from the first light on."""

import errno
import threading

import pytest
from fake_pi import FakeSys
from pi_board import until

from lamppost.boards import linux


def test_light_is_first_and_full_and_dims_by_the_plan_of_its_output(pi, sysfs, pins) -> None:
    post, run = pi()
    assert (sysfs.value("period"), sysfs.value("duty_cycle"), sysfs.value("enable")) == ("1000000", "1000000", "1")
    assert pins.pin(5).state
    post.technician_level(400, 60, post.clock.t_ms)
    run(3000)
    assert sysfs.duty_pm == 100 + 900 * 400 // 1000 - 1  # 1/65535 of it is lost
    post.technician_level(0, 60, post.clock.t_ms)
    run(20000)
    assert sysfs.duty_pm == 0
    assert not pins.pin(5).state
    run(61000)
    assert (sysfs.duty_pm, bool(pins.pin(5).state)) == (1000, True)


def test_an_inverted_output_begins_at_nothing_which_is_full(pi, sysfs) -> None:
    pi(lamp={"kind": "pwm", "inverted": True, "hz": 500})
    assert (sysfs.value("period"), sysfs.value("duty_cycle"), sysfs.value("enable")) == ("2000000", "0", "1")


def test_a_channel_that_nobody_has_asked_for_is_asked_for(tmp_path) -> None:
    tree = FakeSys(tmp_path, exported=False)

    def kernel() -> None:
        until(lambda: (tree.chip / "export").read_text() == "1\n")
        tree.export(1)

    thread = threading.Thread(target=kernel)
    thread.start()
    linux.Pwm(str(tmp_path), 0, 1, 1000, 65535)
    thread.join()
    assert tree.value("duty_cycle", 1) == "1000000"


def test_the_duty_is_never_above_the_period_on_the_way_to_another(tmp_path, monkeypatch) -> None:
    tree = FakeSys(tmp_path, exported=False)
    tree.export(0, period="10000000", duty_cycle="9000000", enable="1", polarity="inversed")
    write = linux._put
    written = []

    def kernel(path: str, value) -> None:
        name = path.rsplit("/", 1)[1]
        write(path, value)
        written.append((name, str(value)))
        if int(tree.value("duty_cycle")) > int(tree.value("period")):
            raise OSError(errno.EINVAL, "duty above period")
        if name == "polarity" and tree.value("enable") == "1":
            raise OSError(errno.EBUSY, "it runs")

    monkeypatch.setattr(linux, "_put", kernel)
    linux.Pwm(str(tmp_path), 0, 0, 1000, 65535)
    assert written == [
        ("enable", "0"), ("polarity", "normal"), ("duty_cycle", "1000000"), ("period", "1000000"),
        ("duty_cycle", "1000000"), ("enable", "1"),
    ]  # fmt: skip


def test_no_pwm_says_what_to_do(tmp_path, monkeypatch) -> None:
    with pytest.raises(linux.PartError, match="add dtoverlay=pwm to config"):
        linux.Pwm(str(tmp_path), 0, 0, 1000, 65535)
    monkeypatch.setattr(linux, "_PERMISSION_S", 0.05)
    tree = FakeSys(tmp_path)
    (tree.chip / "pwm0" / "period").unlink()
    (tree.chip / "pwm0" / "period").mkdir()
    with pytest.raises(linux.PartError, match="group gpio"):
        linux.Pwm(str(tmp_path), 0, 0, 1000, 65535)
