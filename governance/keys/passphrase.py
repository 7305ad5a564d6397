"""Where a key file's passphrase comes from: a private file, the environment (CI), or a person."""

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from governance.errors import Fault
from governance.keys.providers.sealed_file import read_private_file


@dataclass(frozen=True)
class PassphraseSource:
    """file: of mode 0600, its first line counts. variable: name of an environment variable.

    With neither, a person is asked at the terminal.
    """

    file: Path | None = None
    variable: str | None = None

    def read(self, *, twice: bool = False) -> str:
        """Return the passphrase; raises Fault where there is none and nobody to ask.

        twice: ask a second time and compare, as for a new key.
        """
        if self.file is not None:
            lines = read_private_file(self.file, "passphrase file").decode("utf-8", "replace").splitlines()
            return lines[0] if lines else ""
        if self.variable is not None:
            if self.variable not in os.environ:
                raise Fault(
                    "KEY_PASSPHRASE_MISSING",
                    f"Environment variable {self.variable} is not set.",
                    "Set it, or name a passphrase_file in [keys].",
                )
            return os.environ[self.variable]
        if not sys.stdin.isatty():
            raise Fault(
                "KEY_PASSPHRASE_MISSING",
                "The key needs a passphrase and there is nobody to ask.",
                "Name a passphrase_file (mode 0600) in [keys], or run at a terminal.",
            )
        passphrase = getpass.getpass("Passphrase of the linkage key: ")
        if twice and getpass.getpass("Again: ") != passphrase:
            raise Fault("KEY_PASSPHRASE_DIFFERS", "The two passphrases differ.", "Type it again.")
        return passphrase
