# SPDX-License-Identifier: GPL-3.0-or-later
"""Run galaxy-importer, in its own virtual environment, and let it wait for ansible-lint as long as that takes.

The importer gives up after 180 s, which a busy machine can need.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from galaxy_importer import main
from galaxy_importer.loaders import collection


class Patient(subprocess.Popen[str]):
    """A process that is waited for without a limit."""

    def communicate(self, input: str | None = None, timeout: float | None = None) -> Any:
        return super().communicate(input)


if __name__ == "__main__":
    collection.Popen = Patient
    sys.exit(main.main(sys.argv[1:]))
