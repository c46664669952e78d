# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a virtual environment of ansible-test its pip, without the internet.

ansible-test downloads a bootstrap script of this purpose and keeps it in its cache;
tools/check.py puts this one there instead where there is none. It is started with the
packages to install, and options of the original that ensurepip knows nothing of.
"""

from __future__ import annotations

import subprocess
import sys

packages = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
# each in a process of its own: ensurepip and pip leave their modules behind
subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([sys.executable, "-m", "pip", "install", *packages], check=True)
