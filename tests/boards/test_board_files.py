"""The lists of what a board runs agree with the code, and what is wrong is one line before anything is written."""

import json
from pathlib import Path

import pytest

from lamplighter.cli import lamplighter
from lamplighter.provision import board_files
from lamppost.limits import FIRMWARE_FILES_MAX, FIRMWARE_MANIFEST_MAX

ROOT = Path(__file__).parents[2]


def run(capsys, *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        lamplighter.main([str(word) for word in words], prog_name="lamplighter")
    return int(ended.value.code or 0), capsys.readouterr().err


def test_package_json_names_every_module_of_every_board() -> None:
    written = json.loads((ROOT / "edge" / "package.json").read_text())
    assert written == board_files.package_json(written["version"]), "lamplighter board package-json VERSION writes it"
    for _, source in written["urls"]:
        assert (ROOT / "edge" / source).exists()


def test_a_board_gets_its_own_files_only() -> None:
    pico, esp = board_files.modules("rp2"), board_files.modules("esp32")
    assert "boards/rp2.py" in pico
    assert "boards/dali_rp2.py" in pico
    assert not [
        name for name in pico if "esp32" in name or "host" in name or name in ("__main__.py", "boards/choose.py")
    ]
    assert {name.replace("rp2", "esp32") for name in pico} == set(esp)


def test_a_raspberry_pi_gets_source_and_no_image_of_a_flash(tmp_path, capsys) -> None:
    (tmp_path / "board.json").write_text('{"board": "raspberry_pi", "lamp": {"kind": "pwm"}}')
    out = tmp_path / "o"
    assert run(capsys, "board", "build", "raspberry_pi", "--out", out, "--config", tmp_path / "board.json")[0] == 0
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert "firmware/lamppost/boards/raspberry_pi.py" in found
    assert not [
        name for name in found if not name.startswith("firmware/lamppost/") or "esp32" in name or "micro" in name
    ]
    (tmp_path / "board.json").write_text('{"board": "raspberry_pi", "lamp": {"kind": "dali"}}')
    code, said = run(
        capsys, "board", "build", "raspberry_pi", "--out", tmp_path / "p", "--config", tmp_path / "board.json"
    )
    assert (code, "lamp.device is missing" in said) == (2, True)


def test_the_manifest_freezes_the_package() -> None:
    called: list[tuple] = []
    names = {
        "include": lambda path: called.append(("include", path)),
        "package": lambda name, base_path, opt: called.append((name, base_path, opt)),
    }
    exec((ROOT / "edge" / "manifest.py").read_text(), names)
    assert called == [("include", "$(PORT_DIR)/boards/manifest.py"), ("lamppost", ".", 3)]


def test_what_is_wrong_is_said_and_nothing_written(tmp_path, capsys) -> None:
    (tmp_path / "board.json").write_text('{"board": "rp2", "lamp": {"kind": "pwm", "pin": 25}}')
    code, said = run(capsys, "board", "build", "rp2", "--out", tmp_path / "o", "--config", tmp_path / "board.json")
    assert (code, "this board has no pin 25" in said) == (2, True)
    (tmp_path / "site.pub").write_text("nonsense")
    code, said = run(capsys, "board", "build", "rp2", "--out", tmp_path / "o", "--key", tmp_path / "site.pub")
    assert (code, "not a minisign public key" in said) == (2, True)
    assert not (tmp_path / "o").exists()
    code, said = run(capsys, "board", "build", "rp2", "--out", tmp_path)
    assert (code, "is not empty" in said) == (2, True)


def test_files_that_do_not_fit_are_refused() -> None:
    pytest.importorskip("littlefs", reason="littlefs-python is not installed; ./deploy/setup dev installs it")
    with pytest.raises(board_files.BoardError, match="do not fit"):
        board_files.file_system({"a/x.mpy": bytes(50_000)}, 8)


@pytest.mark.parametrize("board", ["rp2", "esp32", "raspberry_pi"])
def test_the_agent_leaves_room_in_an_image_for_what_is_to_come(board: str) -> None:
    files = board_files.firmware(board)
    assert len(files) < 0.8 * FIRMWARE_FILES_MAX
    assert sum(80 + len(path) for path in files) < 0.8 * FIRMWARE_MANIFEST_MAX
