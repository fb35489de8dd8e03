"""What systemd does with the gateway's unit, for machines where it does not run: its Exec lines, again and again."""

import os
import re
import subprocess
import threading
from pathlib import Path

UNIT = Path(__file__).parents[3] / "deploy" / "systemd" / "lamplighter-gateway.service"


class SmallSystemd:
    """Runs the lines of the real unit with these folders in place of its own; Restart=always, without its pause."""

    def __init__(self, base: Path, config: Path, state: Path) -> None:
        text = UNIT.read_text()
        for there, here in (
            ("/opt/lamplighter", base), ("/etc/lamplighter/gateway.toml", config), ("/var/lib/lamplighter", state),
        ):  # fmt: skip
            text = text.replace(there, str(here))
        self._before = re.findall(r"^ExecStartPre=(.*)$", text, re.MULTILINE)
        (self._start,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
        self.log = config.parent / "unit.log"
        self.starts = 0
        self._over = threading.Event()
        self._process: subprocess.Popen | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """What runs now dies, and is started again."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        self._over.set()
        while self._thread.is_alive():
            self.kill()
            self._thread.join(0.1)

    def _run(self) -> None:
        while not self._over.wait(0.05):
            self.starts += 1
            if all(self._exec(words) == 0 or words.startswith("-") for words in self._before):
                self._exec(self._start)

    def _exec(self, words: str) -> int:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LAMPLIGHTER"))}
        with self.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    words.lstrip("-+").split(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                return 203  # systemd's EXIT_EXEC
        return self._process.wait()
