"""`lamplighter keygen` and `sign` beside Debian's own minisign: what one writes the other reads."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lamplighter.provision import image as images
from lamplighter.provision.secret_key import KeyFileError, SecretKey

MINISIGN = shutil.which("minisign")
pytestmark = pytest.mark.skipif(MINISIGN is None, reason="minisign is not installed; tests/run installs it")


def lamplighter(*words: object, password: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "lamplighter", *map(str, words)]
    env = {**os.environ, "LAMPLIGHTER_SIGN_PASSWORD": password}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=env, stdin=subprocess.DEVNULL
    )


def minisign(*words: object, typed: str = "") -> subprocess.CompletedProcess:
    assert MINISIGN
    return subprocess.run(
        [MINISIGN, *map(str, words)], input=typed, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "board" / "lamppost").mkdir(parents=True)
    (tmp_path / "board" / "lamppost" / "post.mpy").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "board" / "main.py").write_text("import lamppost\n")
    (tmp_path / "board" / "notes.txt").write_text("not for boards")
    return tmp_path


def signed(folder: Path, key: Path, *more: object, password: str = "") -> subprocess.CompletedProcess:
    words = ("sign", folder / "board", "--board", "rp2", "--version", 7, "--minimum", 5, "--label", "0.7.0")
    return lamplighter(*words, "--key", key, "--out", folder / "i.llf", *more, password=password)


@pytest.mark.parametrize("password", ["", "correct horse"])
def test_minisign_checks_what_we_sign(folder: Path, password: str) -> None:
    key = folder / "site.key"
    made = lamplighter("keygen", key, *([] if password else ["--no-password"]), password=password)
    assert made.returncode == 0, made.stderr
    assert key.stat().st_mode & 0o777 == 0o600
    done = signed(folder, key, "--json", password=password)
    assert done.returncode == 0, done.stderr
    assert '"files":2' in done.stdout
    checked = minisign("-V", "-p", folder / "site.pub", "-m", folder / "i.llf.manifest")
    assert checked.returncode == 0, checked.stderr
    assert "rp2 0.7.0 version 7" in checked.stdout
    text = (folder / "i.llf.manifest").read_text()
    assert text.splitlines()[1:4] == ["board rp2", "version 7", "minimum 5"]
    assert "notes.txt" not in text


def test_minisign_signs_with_a_key_of_ours_and_a_board_takes_it(folder: Path) -> None:
    key = folder / "site.key"
    lamplighter("keygen", key, "--no-password")
    signed(folder, key)
    manifest = folder / "i.llf.manifest"
    theirs = folder / "theirs"
    assert minisign("-S", "-l", "-W", "-s", key, "-m", manifest, "-x", theirs).returncode == 0
    raw, text = (folder / "i.llf").read_bytes(), manifest.read_bytes()
    ours = int.from_bytes(raw[6:8], "big")
    files = raw[8 + len(text) + ours :]
    again = raw[:6] + theirs.stat().st_size.to_bytes(2, "big") + text + theirs.read_bytes() + files
    public = (folder / "site.pub").read_text()
    assert images.check(again, "rp2", public) == "0.7.0"
    with pytest.raises(images.ImageError, match="for board 'rp2'"):
        images.check(again, "esp32", public)
    spoiled = again[:-1] + bytes([again[-1] ^ 1])
    with pytest.raises(images.ImageError, match="not what was signed"):
        images.check(spoiled, "rp2", public)


def test_a_key_that_minisign_made_signs_here(folder: Path) -> None:
    key = folder / "theirs.key"
    made = minisign("-G", "-s", key, "-p", folder / "theirs.pub", typed="secret word\nsecret word\n")
    assert made.returncode == 0, made.stderr
    done = signed(folder, key, password="secret word")
    assert done.returncode == 0, done.stderr
    checked = minisign("-V", "-p", folder / "theirs.pub", "-m", folder / "i.llf.manifest")
    assert checked.returncode == 0, checked.stderr


def test_a_person_is_asked_for_the_password_of_the_key(folder: Path) -> None:
    key = folder / "site.key"
    lamplighter("keygen", key, password="lamp 7")
    terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    sign = ["sign", folder / "board", "--board", "rp2", "--version", 7, "--label", "0.7.0", "--key", key]
    for typed, code, said in (("lamp 7", 0, "version 7 (0.7.0)"), ("lamp 8", 2, "wrong password")):
        out = folder / f"{code}.llf"
        command = [sys.executable, "-c", terminal, sys.executable, "-m", "lamplighter", *sign, "--out", out]
        env = {name: value for name, value in os.environ.items() if name != "LAMPLIGHTER_SIGN_PASSWORD"}
        shown = b""
        with subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=env
        ) as person:
            assert person.stdin
            assert person.stdout
            while part := person.stdout.read(4096):
                asked, shown = b"Password of" in shown, shown + part
                if not asked and b"Password of" in shown:
                    person.stdin.write(typed.encode() + b"\n")
            assert (person.wait(60), out.exists()) == (code, code == 0), shown.decode()
        assert said in shown.decode()
        assert typed not in shown.decode()


def test_every_refusal_is_one_line_and_says_what_to_do(folder: Path) -> None:
    key = folder / "site.key"
    lamplighter("keygen", key, password="right")
    cases = [
        (signed(folder, key, password="wrong"), "wrong password"),
        (signed(folder, key), "LAMPLIGHTER_SIGN_PASSWORD"),
        (signed(folder, folder / "none.key"), "keygen"),
        (signed(folder, folder / "site.pub"), "not a minisign secret key|others may read"),
        (lamplighter("keygen", key, password="x"), "never overwritten"),
        (lamplighter("keygen", folder / "x.pub", password="x"), "otherwise"),
    ]
    key.chmod(0o644)
    cases.append((signed(folder, key, password="right"), "chmod 600"))
    key.chmod(0o600)
    (folder / "board" / "main.py").unlink()
    (folder / "board" / "lamppost" / "post.mpy").unlink()
    cases.append((signed(folder, key, password="right"), "no .mpy or .py file"))
    (folder / "board" / "big.mpy").write_bytes(bytes(524_289))
    cases.append((signed(folder, key, password="right"), "more than the 524288"))
    (folder / "board" / "big.mpy").rename(folder / "board" / "Big Name.mpy")
    (folder / "board" / "Big Name.mpy").write_bytes(b"x")
    cases.append((signed(folder, key, password="right"), "no folder may have|file lines are"))
    for done, words in cases:
        assert done.returncode == 2, words
        assert any(word in done.stderr for word in words.split("|")), (words, done.stderr)
        assert len(done.stderr.splitlines()) == 1
        assert "Traceback" not in done.stderr


def test_a_damaged_key_file_is_refused(tmp_path: Path) -> None:
    key = SecretKey.new()
    key.write(tmp_path / "k.key")
    whole = (tmp_path / "k.key").read_text().splitlines()
    assert "SecretKey(" in repr(key)
    for line in (
        whole[1][:-4],
        "",
        whole[1][:100] + ("A" if whole[1][100] != "A" else "B") + whole[1][101:],
        "!" * 212,
    ):
        (tmp_path / "k.key").write_text(f"{whole[0]}\n{line}\n")
        with pytest.raises(KeyFileError):
            SecretKey.read(tmp_path / "k.key")


def test_a_key_says_nothing_of_itself() -> None:
    key = SecretKey(b"\x07" * 32, b"12345678")
    assert "0707" not in repr(key) + key.name + key.public_text()
    with pytest.raises(ValueError, match="one line"):
        key.sign(b"x", "two\nlines")
