"""Serial ports of a Raspberry Pi, on real ptys: they wake the board, go away and come back, and block nothing."""

import asyncio
import os
import time

from ptys import raw_pty

from lamppost.boards import linux
from lamppost.boards.raspberry_pi import Board


def test_a_port_gives_what_comes_wakes_the_board_and_sends() -> None:
    far, near = raw_pty()

    async def talk() -> None:
        board = Board()
        uart = board.uart({"device": os.ttyname(near), "baud": 19200})
        assert uart.any() == 0
        before = time.monotonic()
        asyncio.get_running_loop().call_later(0.05, os.write, far, b"\0hello\0")
        await board.pause(20_000)
        assert time.monotonic() - before < 10, "woken by the bytes, not by the time"
        assert uart.any() == 7
        assert uart.read(256) == b"\0hello\0"
        uart.write(b"answer")
        assert os.read(far, 64) == b"answer"
        assert uart.txdone()
        before = time.monotonic()
        for _ in range(3):  # the first may still be woken by what has been read
            await board.pause(50)
        assert time.monotonic() - before >= 0.09

    asyncio.run(talk())
    os.close(near)
    os.close(far)


def test_a_port_that_is_missing_or_pulled_costs_no_light_and_comes_back(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(linux, "_AGAIN_S", 0.05)
    device = tmp_path / "bus"

    async def run() -> None:
        board = Board()
        uart = board.uart({"device": str(device), "baud": 19200})
        uart.write(b"nobody hears this")
        assert (uart.any(), uart.read(9), uart.txdone()) == (0, b"", True)
        for _ in range(2):
            far, near = raw_pty()
            device.symlink_to(os.ttyname(near))
            await again(uart.any, far)
            assert uart.read(99)[:1] == b"x"
            os.close(near)
            os.close(far)
            device.unlink()
            await board.pause(50)
            uart.any()
            before = time.monotonic()
            for _ in range(5):
                await board.pause(20)
                uart.any()
            assert time.monotonic() - before > 0.08, "a port that hung up does not spin"

    async def again(done, far: int) -> None:
        for _ in range(200):
            os.write(far, b"x")
            if done():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not come back")

    asyncio.run(run())
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3, "said once each time that it goes"


def test_a_port_that_nobody_reads_blocks_nothing() -> None:
    far, near = raw_pty()
    uart = linux.Uart(os.ttyname(near), 19200)
    before = time.monotonic()
    for _ in range(200):
        uart.write(bytes(1000))
    assert time.monotonic() - before < 5
    os.close(near)
    os.close(far)


def test_an_adapter_that_is_pulled_while_it_is_full_is_only_lost(monkeypatch, capsys) -> None:
    """Linux says that with termios.error, which is no OSError, where it was pulled after the write."""
    far, near = raw_pty()
    uart = linux.Uart(os.ttyname(near), 19200)
    uart.write(b"a")
    os.close(near)
    os.close(far)

    def full(*_) -> int:
        raise BlockingIOError

    monkeypatch.setattr(linux.os, "write", full)
    assert uart.write(b"abc") == 3
    assert uart.txdone()
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_transceiver_is_released_after_the_last_byte(pi, pins) -> None:
    far, near = raw_pty()
    bus = {"device": os.ttyname(near), "enable": 17}
    post, run = pi(bus=bus)
    enable = pins.pin(17)
    assert not enable.state
    for name, value in (("address", 7), ("post-key", b"1" * 32), ("bus-key", b"2" * 32)):
        post.configure(name, value, post.clock.t_ms)
    pins.pin(22).drive_high()
    enable.clear_states()
    run(3000)
    driven = [state.state for state in enable.states]
    assert driven.count(True) >= 1
    assert not enable.state
    sent = os.read(far, 4096)
    assert sent.endswith(b"\0")
    os.close(near)
    os.close(far)
