# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a student's kubeconfig: read, and written only where it is the lab's own."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..errors import LabError
from ..files import private_file_beside, read_regular_file
from ..yaml_file import LARGEST, NotYaml, read_yaml
from .issued_kubeconfig import SCHEMA, IssuedKubeconfig

try:
    import yaml
except ImportError:
    # require_kubernetes names the missing package.
    pass


class FileChanged(LabError):
    """Somebody else has written the file since it was read."""


class KubeconfigFile:
    """A file that only its owner can read; one that is not ours is left alone."""

    def __init__(self, path: str) -> None:
        # Of a link, the file that it leads to is written.
        self.path = Path(os.path.realpath(path))

    def read(self, namespace: str) -> IssuedKubeconfig | None:
        """The kubeconfig for a namespace, or None. Raises LabError, also if the file is not the lab's."""
        try:
            there = read_regular_file(self.path, LARGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable("read", error) from None
        if there is None:
            raise self._foreign("is not a regular file")
        text, mode = there
        try:
            content = read_yaml(text, f"The file {self.path}", "move it away")
        except NotYaml:
            content = None
        if not isinstance(content, dict):
            raise self._foreign("is not a kubeconfig that the lab made")
        found = IssuedKubeconfig(content, mode)
        if found.note.get("schema") != SCHEMA:
            raise self._foreign("is not a kubeconfig that the lab made")
        if found.note.get("namespace") != namespace:
            raise self._foreign(f"is the kubeconfig of namespace {found.note.get('namespace')}, not of {namespace}")
        return found

    def write(self, wanted: IssuedKubeconfig, instead_of: IssuedKubeconfig | None) -> None:
        """Write the file whole or not at all. Raises FileChanged and other LabErrors."""
        text = "# The lab's cluster for one student; whoever has this file has that student's access.\n"
        # By way of JSON: text that comes from Ansible is of a type of its own, which YAML cannot write.
        text += yaml.safe_dump(json.loads(json.dumps(wanted.content)), sort_keys=False)
        try:
            with private_file_beside(self.path, text) as beside:
                if instead_of is None:
                    # Never over a file that was created in the meantime.
                    os.link(beside, self.path)
                else:
                    if self.read(instead_of.note["namespace"]) != instead_of:
                        raise FileChanged(
                            f"The file {self.path} was changed by someone else in the meantime: run the task again."
                        )
                    os.replace(beside, self.path)
        except FileExistsError:
            raise FileChanged(
                f"The file {self.path} was created by someone else in the meantime: run the task again."
            ) from None
        except OSError as error:
            raise self._unusable("written", error) from None

    def remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable("removed", error) from None

    def _unusable(self, done: str, error: OSError) -> LabError:
        return LabError(f"The student's kubeconfig {self.path} cannot be {done} ({error.strerror}): correct `path`.")

    def _foreign(self, why: str) -> LabError:
        return LabError(f"The file {self.path} {why}, and is left as it is: move it away, or name another `path`.")
