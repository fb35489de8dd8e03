"""Which of the two firmware folders runs, `a` or `b`: one journal record that only a whole write changes.

A new image runs on trial: it has TRIES starts to live through HEALTHY_MS; then `confirm` keeps it, else the firmware
before it comes back. A trial that cannot be counted, because flash refuses, is not run. This module and the journal
are all that a board needs before it has chosen a folder.

The record: active 0..1, trial 0..1, tries left, then four bytes each, big-endian: version in a, version in b, the
minimum version that a confirmed image has set, the minimum that the image on trial wants, the version thrown out last.
"""

TRIES = 3  # starts of a new image: a power cut or two while it is tried must not throw it out
HEALTHY_MS = 600000  # ten minutes: longer than any watchdog, and a post has then spoken with its gateway
FOLDERS = ("a", "b")
_BYTES = 23


class Slots:
    """`journal` is a Journal; a missing or damaged record is what the board was delivered with: version 0 in `a`."""

    def __init__(self, journal):
        self._journal = journal
        raw = journal.get("slot")
        if raw is None or len(raw) != _BYTES or raw[0] > 1 or raw[1] > 1:
            raw = bytes(_BYTES)
        self.active = raw[0]
        self.trial = raw[1]
        self.tries_left = raw[2]
        numbers = [int.from_bytes(raw[at : at + 4], "big") for at in range(3, _BYTES, 4)]
        self.versions = numbers[:2]
        self.minimum, self.wanted_minimum, self.refused = numbers[2:]

    @property
    def version(self) -> int:
        """The version of the folder in force."""
        return self.versions[self.active]

    @property
    def spare(self) -> str:
        """The folder that may be written."""
        return FOLDERS[1 - self.active]

    def start(self) -> str:
        """The folder to run now; counts the start of a trial before it happens. Raises nothing."""
        before = self._values()
        if self.trial:
            if self.tries_left:
                self.tries_left -= 1
            else:
                self.refused = self.versions[self.active]
                self.active, self.trial = 1 - self.active, 0
            try:
                self._save()
            except OSError:
                self._take(before)
                return self.spare
        return FOLDERS[self.active]

    def confirm(self) -> None:
        """What runs has been healthy for HEALTHY_MS: it stays, and its minimum holds. OSError from flash."""
        if self.trial:
            self._change(self.active, 0, 0, self.versions, max(self.minimum, self.wanted_minimum))

    def rewrite(self) -> None:
        """Write down again what is known, to see whether flash takes it. OSError from flash."""
        self._save()

    def begin_trial(self, version: int, minimum: int) -> None:
        """The spare folder holds a whole image of `version`: the next starts try it. OSError from flash."""
        versions = list(self.versions)
        versions[1 - self.active] = version
        self._change(1 - self.active, 1, TRIES, versions, self.minimum, minimum)

    def _change(self, active, trial, tries, versions, minimum, wanted=0) -> None:
        before = self._values()
        self._take((active, trial, tries, versions, minimum, wanted, self.refused))
        try:
            self._save()
        except OSError:
            self._take(before)
            raise

    def _values(self):
        return (
            self.active, self.trial, self.tries_left, self.versions, self.minimum, self.wanted_minimum, self.refused,
        )  # fmt: skip

    def _take(self, values) -> None:
        self.active, self.trial, self.tries_left, self.versions, self.minimum, self.wanted_minimum, self.refused = (
            values
        )

    def _save(self) -> None:
        numbers = list(self.versions) + [self.minimum, self.wanted_minimum, self.refused]
        head = bytes((self.active, self.trial, self.tries_left))
        self._journal.put("slot", head + b"".join([number.to_bytes(4, "big") for number in numbers]))
