"""Freezing the agent into a MicroPython firmware: FROZEN_MANIFEST=.../edge/manifest.py when the port is built.

Frozen code takes 4 KB of RAM for each 19 KB that the same code takes as .mpy. A firmware folder on the flash still
comes first, so that updates work as without freezing; the frozen copy is what runs when both folders are empty.
"""

include("$(PORT_DIR)/boards/manifest.py")  # noqa: F821 - the port's own modules, asyncio among them
package("lamppost", base_path=".", opt=3)  # noqa: F821
