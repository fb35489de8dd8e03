"""The operator's commands over a real broker: what they send, what they print, and every way they fail."""

import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from importlib import resources

import pytest

from lamplighter.office import client
from lamplighter.plans.document import load_file

EXAMPLES = resources.files("lamplighter.plans") / "examples"
PARK = EXAMPLES / "park-presence.json"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(client, "GRACE_S", 0)


def wait_until(true, seconds: float = 10.0) -> None:
    """Return as soon as `true()` is; fail after some seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.01)


class TestPublish:
    def test_a_plan_reaches_every_post(self, desk, gateway):
        result = desk("plan", "publish", PARK, "--wait")
        assert result.exit_code == 0, result.stderr
        document = load_file(PARK)
        assert f"plan park-de-la-source, hash {document.hash}: applied by 3 of 3 posts" in result.stdout
        assert [line.split()[:2] for line in result.stdout.splitlines() if line.startswith("p0")] == [
            ["p01", "applied"],
            ["p02", "applied"],
            ["p03", "applied"],
        ]
        assert gateway.of("desired/plans") == [{"v": 1, "hash": document.hash, "plan": document.source}]
        assert result.stderr == ""  # progress is for terminals

    def test_publishing_again_changes_nothing_and_is_fine(self, desk, gateway):
        first, second = desk("plan", "publish", PARK), desk("plan", "publish", PARK)
        assert (first.exit_code, second.exit_code) == (0, 0)
        wait_until(lambda: len(gateway.of("desired/plans")) == 2)  # the second is answered by what was reported before
        assert gateway.of("desired/plans")[0] == gateway.of("desired/plans")[1]

    def test_the_plan_is_retained(self, desk, gateway, mosquitto):
        gateway.silent = True
        result = desk("plan", "publish", PARK, "--no-wait")
        assert (result.exit_code, result.stdout.startswith("the broker has plan park-de-la-source")) == (0, True)
        again = type(gateway)(mosquitto, gateway.base.split("/")[-1])
        deadline = time.monotonic() + 30
        while not again.of("desired/plans") and time.monotonic() < deadline:
            time.sleep(0.01)
        again.close()
        assert again.of("desired/plans")[0]["hash"] == load_file(PARK).hash

    def test_a_post_that_refuses_is_named(self, desk, gateway):
        gateway.refuses["p02"] = "flash is worn out"
        result = desk("plan", "publish", PARK)
        assert result.exit_code == 1
        row = next(line for line in result.stdout.splitlines() if line.startswith("p02"))
        assert "refused" in row
        assert "flash is worn out" in row
        assert "lamplighter: applied by 2 of 3 posts" in result.stderr

    def test_a_post_that_stays_silent_ends_by_timeout(self, desk, gateway):
        gateway.slow.add("p03")
        result = desk("plan", "publish", PARK, "--timeout", "1", "--json")
        assert result.exit_code == 1
        outcome = json.loads(result.stdout)
        assert (outcome["ok"], outcome["complete"], outcome["posts"]["p03"]["result"]) == (False, False, "waiting")
        assert "applied by 2 of 3 posts; 1 gave no final answer within 1 s" in result.stderr

    def test_a_gateway_that_refuses_the_plan(self, desk, gateway):
        gateway.error = "plan:3: something this gateway cannot do"
        result = desk("plan", "publish", PARK)
        assert result.exit_code == 1
        assert "refused the plan: plan:3: something this gateway cannot do" in result.stderr

    def test_a_gateway_that_is_offline(self, desk, gateway):
        gateway.silent = True
        gateway.online(False)
        result = desk("plan", "publish", PARK, "--timeout", "30")
        assert result.exit_code == 1
        assert "is offline" in result.stderr
        assert "hint: the broker keeps the plan" in result.stderr

    def test_a_plan_with_faults_never_leaves_the_desk(self, desk, gateway, tmp_path):
        bad = tmp_path / "bad.json"
        bad.write_text(PARK.read_text().replace('"level": 30', '"level": 170', 1))
        result = desk("plan", "publish", bad)
        assert result.exit_code == 2
        assert "level 170 is outside 0..100" in result.stderr
        assert gateway.received == []

    def test_progress_on_a_terminal(self, desk, gateway, mosquitto):
        gateway.slow.add("p03")
        code, seen = on_a_terminal(gateway, mosquitto, "plan", "publish", str(PARK), "--timeout", "1")
        assert code == 1
        assert "waiting for posts 2/3" in seen


class TestEmergency:
    def test_is_full_light_for_a_time(self, desk, gateway):
        result = desk("emergency", "p02", "--for", "30m", "--reason", "accident")
        assert result.exit_code == 0, result.stderr
        assert result.stdout == "p02: full light for 30m\n"
        request = gateway.of("request")[0]
        assert {key: request[key] for key in ("command", "posts", "level_percent", "for_s", "reason")} == {
            "command": "emergency", "posts": ["p02"], "level_percent": 100, "for_s": 1800, "reason": "accident",
        }  # fmt: skip

    def test_its_end(self, desk, gateway):
        result = desk("emergency", "--clear")
        assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "p01: emergency is over")
        request = gateway.of("request")[0]
        assert (request["command"], request["layer"], request["all"]) == ("clear", "emergency", True)

    def test_must_expire(self, desk, gateway):
        for words in (("p01",), ("p01", "--for", "8d"), ("p01", "--clear", "--for", "1m"), ("--for", "1m")):
            result = desk("emergency", *words)
            assert result.exit_code == 2
            assert "hint: " in result.stderr
        assert gateway.received == []


class TestOverride:
    def test_sets_a_level_for_a_time(self, desk, gateway):
        result = desk("override", "p01", "p02", "--level", "40", "--for", "10m", "--reason", "ball game")
        assert result.exit_code == 0, result.stderr
        assert result.stdout == "p01: 40 % for 10m\np02: 40 % for 10m\n"
        request = gateway.of("request")[0]
        assert {key: request[key] for key in ("v", "command", "posts", "level_percent", "for_s", "reason")} == {
            "v": 1,
            "command": "override",
            "posts": ["p01", "p02"],
            "level_percent": 40,
            "for_s": 600,
            "reason": "ball game",
        }
        assert request["expires"].endswith("Z")
        assert len(request["transaction"]) == 16

    @pytest.mark.parametrize(
        ("args", "fields"),
        [
            (
                ["--group", "park", "--level", "12.5", "--for", "1h30m"],
                {"groups": ["park"], "level_percent": 12.5, "for_s": 5400},
            ),
            (["--all", "--level", "0", "--for", "45s"], {"all": True, "level_percent": 0, "for_s": 45}),
        ],
    )
    def test_for_a_group_and_for_all(self, desk, gateway, args, fields):
        assert desk("override", *args).exit_code == 0
        assert gateway.of("request")[0].items() >= fields.items()

    def test_clear(self, desk, gateway):
        assert desk("override", "--clear", "p01").stdout == "p01: cleared\n"
        assert desk("override", "--clear").exit_code == 0
        assert [request["command"] for request in gateway.of("request")] == ["clear", "clear"]
        assert (gateway.of("request")[0]["posts"], gateway.of("request")[1]["all"]) == (["p01"], True)

    def test_a_post_that_says_no(self, desk, gateway):
        result = desk("override", "p01", "p09", "--level", "40", "--for", "10m")
        assert result.exit_code == 1
        assert 'p09: no: there is no post "p09"' in result.stdout
        assert "lamplighter: done by 1 of 2 posts" in result.stderr

    def test_as_json(self, desk, gateway):
        result = desk("override", "p09", "--level", "40", "--for", "10m", "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout) == {
            "ok": False,
            "error": None,
            "posts": {"p09": {"ok": False, "error": 'there is no post "p09"'}},
        }

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (["--level", "40", "--for", "10m"], "say which posts"),
            (["p01", "--all", "--level", "40", "--for", "10m"], "say which posts"),
            (["p01", "--level", "40"], "needs --level and --for"),
            (["p01", "--level", "170", "--for", "10m"], "--level '170' is no level"),
            (["p01", "--level", "nan", "--for", "10m"], "--level 'nan' is no level"),
            (["p01", "--level", "40", "--for", "10"], "'10' is no duration; write 45s, 10m"),
            (["p01", "--level", "40", "--for", "8d"], "outside 1s..7d"),
            (["p01", "--level", "40", "--for", "0s"], "outside 1s..7d"),
            (["p01", "--level", "40", "--for", "1m", "--reason", "x" * 41], "--reason has 41 characters"),
            (["p01", "--clear", "--level", "4"], "--clear with --level"),
        ],
    )
    def test_what_is_wrong_is_said_before_anything_is_sent(self, desk, gateway, args, words):
        result = desk("override", *args)
        assert result.exit_code == 2
        assert words in result.stderr
        assert len(result.stderr.splitlines()) <= 2
        assert gateway.received == []


class TestPosts:
    def test_a_table(self, desk, gateway):
        result = desk("posts")
        assert result.exit_code == 0
        assert [line.split()[:6] for line in result.stdout.splitlines() if line.startswith("p0")] == [
            ["p01", "yes", "60", "60", "presence", "18.2"],
            ["p02", "yes", "60", "60", "presence", "18.2"],
            ["p03", "no", "60", "60", "presence", "18.2"],
        ]
        assert ": 2 of 3 posts online, 7 readings waiting, version 0.1.0" in result.stdout.splitlines()[-1]

    def test_csv_and_json(self, desk, gateway):
        lines = desk("posts", "--csv").stdout.splitlines()
        assert lines[0] == "post,online,level_percent,target_percent,why,power_w,plan,faults,utc"
        assert lines[1] == "p01,yes,60,60,presence,18.2,0123456789abcdef,,2026-06-21T22:00:00Z"
        found = json.loads(desk("posts", "--json").stdout)
        assert (found["posts"]["p01"]["power_w"], found["status"]["backlog"]) == (18.2, 7)

    def test_words_of_a_peer_cannot_move_the_cursor(self, desk, gateway):
        gateway.error = "\x1b[2Jgone"
        result = desk("posts")
        assert result.exit_code == 1
        assert "\\x1b[2Jgone" in result.stderr


class TestWhy:
    def test_the_chain(self, desk, gateway):
        result = desk("why", "p01")
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert lines[0] == "p01 at 2026-06-21T22:00:00Z: 60 %"
        assert any(line.split()[:3] == ["presence", "raise", "60"] and "yes" in line for line in lines)
        assert gateway.of("request")[0]["at"] is None

    @pytest.mark.parametrize("at", ["2026-06-21T22:00Z", "2026-06-22T00:00+02:00", "2026-06-21T22:00:00Z"])
    def test_at_another_time(self, desk, gateway, at):
        assert desk("why", "p01", "--at", at).exit_code == 0
        assert gateway.of("request")[0]["at"] == "2026-06-21T22:00:00Z"

    def test_local_time(self, desk, gateway, monkeypatch):
        monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        try:
            assert desk("why", "p01", "--at", "2026-06-22T00:00").exit_code == 0
        finally:
            monkeypatch.undo()
            time.tzset()
        assert gateway.of("request")[0]["at"] == "2026-06-21T22:00:00Z"

    def test_what_is_no_moment(self, desk, gateway):
        result = desk("why", "p01", "--at", "yesterday")
        assert result.exit_code == 2
        assert "'yesterday' is no moment; write 2026-06-21T22:00Z" in result.stderr

    def test_a_post_that_is_not_there(self, desk, gateway):
        result = desk("why", "p09")
        assert result.exit_code == 1
        assert 'p09 cannot say why: there is no post "p09"' in result.stderr

    def test_rows_as_the_post_sends_them(self, desk, gateway, monkeypatch):
        row = [6, 0, 405, 1, 835_394_400, "operator: fair"]
        monkeypatch.setattr(gateway, "_post", lambda *_: {"ok": True, "level_percent": 40.5, "chain": [row]})
        assert "override set 40.5 yes 2026-06-21T22:00:00Z operator: fair" in " ".join(
            desk("why", "p01").stdout.split()
        )


class TestWatch:
    def test_shows_what_happens(self, desk, gateway):
        gateway.say(
            "post/p01/state", {"v": 1, "post": "p01", "online": True, "level_percent": 60.0, "why": "plan"}, True
        )
        item = {"seq": 1, "post": "p02", "kind": "presence", "utc": "2026-06-21T22:00:00Z", "class": "cyclist"}
        steady(gateway, lambda: gateway.say("events", {"v": 1, "items": [item]}))
        result = desk("watch", "--seconds", "1")
        gateway.say("post/p01/state", None, True)
        lines = [line.split(None, 1)[1] for line in result.stdout.splitlines()]
        assert result.exit_code == 0
        assert "gateway  online, 2 of 3 posts, 7 waiting" in lines
        assert "p01         60 %  plan" in lines
        assert "p02      presence class=cyclist" in lines

    def test_as_json_lines(self, desk, gateway):
        result = desk("watch", "--seconds", "1", "--json")
        assert json.loads(result.stdout.splitlines()[0])["topic"] == "status"

    def test_ctrl_c_ends_it(self, gateway, mosquitto):
        with start(gateway, mosquitto, "watch") as process:
            assert b"gateway  online" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert process.stderr.read() == b""


class TestBadBroker:
    def test_nobody_listens(self, lamp):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        result = lamp("posts", "--broker", f"127.0.0.1:{port}", "--site", "s", "--gateway", "g")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"lamplighter: the broker 127.0.0.1:{port} cannot be used: ")
        assert len(result.stderr.splitlines()) == 2

    def test_something_else_listens(self, lamp, monkeypatch):
        monkeypatch.setattr(client, "CONNECT_S", 1)
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
            port = server.getsockname()[1]
            result = lamp("posts", "--broker", f"127.0.0.1:{port}", "--site", "s", "--gateway", "g")
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 2

    def test_it_refuses(self, lamp, tmp_path, mosquitto_with_password):
        port = mosquitto_with_password
        common = ["posts", "--broker", f"127.0.0.1:{port}", "--site", "s", "--gateway", "g", "--timeout", "1"]
        result = lamp(*common)
        assert result.exit_code == 1
        assert "ot authori" in result.stderr
        assert "hint: check --username and --password-file" in result.stderr
        word = tmp_path / "word"
        word.write_text("secret\n")
        result = lamp(*common, "--username", "ada", "--password-file", word)
        assert "is not known to the broker" in result.stderr  # it let us in; nobody is there
        word.write_text("wrong\n")
        assert "ot authori" in lamp(*common, "--username", "ada", "--password-file", word).stderr

    def test_tls_to_a_broker_without(self, gateway, mosquitto):
        authority = ssl.get_default_verify_paths().cafile
        if authority is None or not os.path.exists(authority):
            pytest.skip("no file of certificate authorities here")
        with start(gateway, mosquitto, "posts", "--tls-ca", authority) as process:
            _, said = process.communicate(timeout=30)
        assert process.returncode == 1
        assert said.startswith(b"lamplighter: the broker 127.0.0.1:")
        assert len(said.splitlines()) == 2

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            ([], "which site?"),
            (["--site", "s"], "which gateway?"),
            (["--site", "S!", "--gateway", "g"], "--site 'S!' is no id"),
            (["--site", "s", "--gateway", "g/#"], "--gateway 'g/#' is no id"),
            (["--site", "s", "--gateway", "g", "--root", "+"], "--root '+' is no topic"),
            (["--site", "s", "--gateway", "g", "--broker", "h:99999"], "is no HOST[:PORT]"),
            (["--site", "s", "--gateway", "g", "--broker", "a b"], "is no HOST[:PORT]"),
            (["--site", "s", "--gateway", "g", "--tls-ca", "/none"], "there is no file /none"),
            (["--site", "s", "--gateway", "g", "--tls-key", "k"], "--tls-key without --tls-cert"),
            (["--site", "s", "--gateway", "g", "--password-file", "/none"], "/none cannot be read"),
        ],
    )
    def test_wrong_options_are_exit_2(self, lamp, args, words):
        result = lamp("posts", *args)
        assert result.exit_code == 2
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 2

    def test_a_gateway_that_is_silent(self, desk, gateway):
        gateway.silent = True
        result = desk("posts", "--timeout", "1")
        assert result.exit_code == 1
        assert "did not answer within" in result.stderr

    def test_a_gateway_that_is_not_there(self, desk):
        result = desk("posts", "--gateway", "nobody", "--timeout", "1")
        assert result.exit_code == 1
        assert "gateway nobody of site louvain is not known to the broker" in result.stderr
        assert "hint: check --root, --site and --gateway: test/louvain/nobody" in result.stderr


@pytest.fixture
def mosquitto_with_password(mosquitto_program, tmp_path):
    """The port of a mosquitto that lets in only `ada` with `secret`."""
    words = tmp_path / "words"
    words.write_text("ada:secret\n")
    subprocess.run(["mosquitto_passwd", "-U", str(words)], check=True)
    words.chmod(0o644)
    tmp_path.chmod(0o755)
    with mosquitto_program(["allow_anonymous false", f"password_file {words}"]) as (_, port):
        yield port


def steady(gateway, say) -> None:
    """Say something each 0.1 s for two seconds: the watcher needs a moment to be there."""

    def run():
        for _ in range(20):
            say()
            time.sleep(0.1)

    threading.Thread(target=run, daemon=True).start()


def start(gateway, mosquitto, *args, **more) -> subprocess.Popen:
    root, site, name = gateway.base.split("/")
    where = ["--broker", f"127.0.0.1:{mosquitto[1]}", "--root", root, "--site", site, "--gateway", name]
    command = [sys.executable, "-m", "lamplighter", *args, *where]
    return subprocess.Popen(command, **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more))


def on_a_terminal(gateway, mosquitto, *args) -> tuple[int, str]:
    """Run the command with stderr on a pty; return its exit code and what the terminal saw."""
    ours, theirs = pty.openpty()
    process = start(gateway, mosquitto, *args, stderr=theirs, env=os.environ | {"TERM": "xterm", "COLUMNS": "100"})
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    process.stdout.read()
    process.stdout.close()
    return process.wait(10), seen.decode()
