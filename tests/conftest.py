"""What several test folders share: a real mosquitto on a free loopback port."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

import hypothesis
import leftovers
import pytest

START_S = 10  # mosquitto listens after some 20 ms; a loaded runner with two cores needs longer


# A shell that runs the tests in the background has its children ignore Ctrl-C, and theirs inherit that; programs that
# tests start must end by it as they do on a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A machine with other work is no reason for a property to fail: how long an example takes says nothing there.
hypothesis.settings.register_profile(
    "lamplighter", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("lamplighter")


def pytest_configure() -> None:
    leftovers.adopt_orphans()


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_running():
    """What a module's tests have started has ended when they are over."""
    before = leftovers.running()
    yield
    left = leftovers.end_of(before)
    assert not left, f"left running, and killed now: {left}"


@pytest.fixture
def mosquitto(mosquitto_program):
    """A mosquitto of the test's own, so nothing retained is another's; anybody may use it; yields (host, port)."""
    with mosquitto_program(["allow_anonymous true"]) as address:
        yield address


@pytest.fixture(scope="session")
def mosquitto_program(tmp_path_factory):
    """A context manager that runs a mosquitto with more lines of configuration; it gives (host, port)."""

    @contextlib.contextmanager
    def run(lines: list[str]):
        folder = tmp_path_factory.mktemp("mosquitto")
        for _ in range(3):  # another process may take the port between the two steps
            port = free_port()
            process = start_mosquitto(folder, port, lines)
            if listens(process, port):
                break
        else:
            pytest.fail(f"mosquitto did not start: {(folder / 'log').read_text()[-500:]}")
        try:
            yield "127.0.0.1", port
        finally:
            end(process)

    return run


def end(process: subprocess.Popen) -> None:
    """Ask a mosquitto to end. One that has only just begun to listen forgets that it was asked, hence again."""
    for _ in range(10):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
            return
    process.kill()
    process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_mosquitto(folder, port: int, more: list[str]) -> subprocess.Popen:
    """Start the real broker on 127.0.0.1:`port`; its log goes to folder/log."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.fail("mosquitto is missing; ./tests/run installs it, or: sudo apt-get install -y mosquitto")
    config = folder / f"{port}.conf"
    lines = [f"listener {port} 127.0.0.1", "persistence false", *more]
    lines.append("user root")  # where tests run as root: the broker must read files that only root may
    lines += ["max_queued_messages 0", "max_inflight_messages 0"]  # the defaults drop messages to a slow subscriber
    config.write_text("\n".join(lines) + "\n")
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([program, "-c", str(config)], stdout=log, stderr=log)


def listens(process: subprocess.Popen, port: int) -> bool:
    """Wait until the broker takes connections; False when it ended instead."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False
