"""Installing a version of the gateway: what is refused, what it needs, who may sign it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from releases import Releases
from updates import install, says, status

from lamplighter.update import boot

MINISIGN = shutil.which("minisign")


@pytest.mark.system
def test_everything_that_is_wrong_is_one_line_and_changes_nothing(releases, small, base, tmp_path) -> None:
    before = sorted(str(path) for path in base.rglob("*"))

    def refused(words: str, wheel: Path, *more: object) -> None:
        done = install(releases, wheel, base, *more)
        assert done.returncode == 1, (words, done.stdout)
        said = [line for line in done.stderr.splitlines() if line.startswith("lamplighter: ")]
        assert len(said) == 1
        assert words in said[0], said
        assert "Traceback" not in done.stderr
        assert says(base) == "1.0.0"
        assert sorted(str(path) for path in base.rglob("*") if path.name != "lock") == before, words

    changed = tmp_path / small.name
    data = bytearray(small.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    shutil.copy(f"{small}.minisig", f"{changed}.minisig")
    refused("the signature is not that of this content", changed)
    (tmp_path / "stranger").mkdir()
    stranger = Releases(tmp_path / "stranger")
    theirs = stranger.small("2.0.0")
    stranger.sign(theirs)
    refused("signed by a key that is not known here", theirs)
    other = releases.small("3.0.0", name="lighthouse")
    releases.sign(other)
    refused("is a wheel of lighthouse, not of lamplighter", other)
    relabelled = releases.small("2.1.0")
    key = releases.key
    Path(f"{relabelled}.minisig").write_bytes(key.sign(relabelled.read_bytes(), "lamplighter 9.0.0 minimum 0"))
    refused("is lamplighter 2.1.0, and was signed as lamplighter 9.0.0", relabelled)
    Path(f"{relabelled}.minisig").write_bytes(key.sign(relabelled.read_bytes(), "release"))
    refused("does not say what it is", relabelled)
    releases.sign(relabelled, "2.2.0")
    refused("above its own version", relabelled)
    old = releases.small("0.8.0")
    releases.sign(old)
    refused("version 0.8.0 is below the minimum 0.9.0", old)
    same = releases.small("1.0.0")
    releases.sign(same)
    refused("version 1.0.0 already runs", same)
    wants = releases.small("2.2.0", requires='["no-such-thing-anywhere>=3"]')
    releases.sign(wants)
    refused("give a folder with its signed wheels: --wheels FOLDER", wants)
    falls = releases.small("2.3.0", start='sys.exit("it falls")')
    releases.sign(falls)
    refused("version 2.3.0 does not start; it says: it falls", falls)
    nothing = tmp_path / "lamplighter-2.0.0-py3-none-any.whl.zip"
    nothing.write_bytes(b"nothing")
    Path(f"{nothing}.minisig").write_bytes(key.sign(b"nothing", "lamplighter 2.0.0 minimum 0"))
    refused("is not a wheel", nothing)
    boot.write(base, boot.read(base) | {"refused": ["2.0.0"]})
    refused("was tried here and did not last", small)
    with boot.locked(base):
        refused("the versions are being changed", small)
    done = install(releases, small, base, "--again")
    assert done.returncode == 0, done.stderr
    assert says(base) == "2.0.0"
    releases.sign(relabelled)
    assert "is still on trial" in install(releases, relabelled, base).stderr


@pytest.mark.system
def test_a_disk_without_room_is_said_before_anything_is_written(releases, small, tmp_path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    words = f"install {small} {small}.minisig --public-key {releases.public} --base {place} --no-restart"
    script = (
        f"mount -t tmpfs -o size=30m tmpfs {place} && {sys.executable} -m lamplighter update {words}; ls -R {place}"
    )
    command = [shutil.which("unshare") or "unshare", "--mount", "--map-root-user", "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "are needed; make room first" in done.stderr, done.stderr
    assert "2.0.0" not in done.stdout


@pytest.mark.system
def test_what_a_version_needs_comes_from_a_folder_of_signed_wheels(releases, base, tmp_path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    shutil.copy(releases.small("4.0", name="lantern-oil"), folder)
    (oil,) = folder.glob("*.whl")
    wheel = releases.small("2.4.0", requires='["lantern-oil>=3"]')
    releases.sign(wheel)
    done = install(releases, wheel, base, "--wheels", folder)
    assert done.returncode == 1
    assert "No such file" in done.stderr, "what is not signed is not taken"
    releases.sign(oil)
    done = install(releases, wheel, base, "--wheels", folder)
    assert done.returncode == 0, done.stderr
    assert list((base / "versions" / "2.4.0").rglob("lantern_oil-4.0.dist-info"))


@pytest.mark.system
@pytest.mark.skipif(MINISIGN is None, reason="minisign is not installed; tests/run installs it")
def test_what_minisign_signs_is_taken(releases, base) -> None:
    wheel = releases.small("2.5.0")
    words = ["-S", "-l", "-W", "-s", releases.folder / "site.key", "-m", wheel, "-t", "lamplighter 2.5.0 minimum 1.0.0"]
    done = subprocess.run([MINISIGN or "", *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    done = install(releases, wheel, base)
    assert done.returncode == 0, done.stderr
    assert status(base)["version"] == "2.5.0"
