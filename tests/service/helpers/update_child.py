"""Runs one act on a folder of versions and kills itself before the N-th change of the file system.

    update_child.py N install WHEEL KEY BASE
    update_child.py N start|check BASE STATE

With N = 0 it is not killed, and prints one line for each change: its event and its path.
"""

import os
import signal
import sys
from pathlib import Path

CHANGES = {
    "os.rename", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.chmod", "subprocess.Popen",
    "shutil.rmtree",
}  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_DIRECTORY  # a folder is opened to make it last

number, act, *rest = sys.argv[1:]
at, count = int(number), 0


def watch(event: str, values: tuple) -> None:
    global count
    opened = event == "open" and isinstance(values[2], int) and values[2] & WRITES
    if not opened and event not in CHANGES:
        return
    count += 1
    if not at:
        print(event, values[0], flush=True)
    elif count == at:
        os.kill(os.getpid(), signal.SIGKILL)


if act == "install":
    from lamplighter.update import install, wheel

    path, key, base = rest
    signed = wheel.read(Path(path), Path(path + ".minisig"), wheel.read_key(key))
    sys.addaudithook(watch)
    for _ in install.install(install.Order(Path(base), signed, [])):
        pass
else:
    from lamplighter.update import boot

    base, state = map(Path, rest)
    sys.addaudithook(watch)
    with boot.locked(base):
        boot.step(base, state, {"start": "starts", "check": "checks"}[act])
