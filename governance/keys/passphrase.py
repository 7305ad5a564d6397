"""Where a key file's passphrase comes from: a private file, an environment variable (CI), or a prompt."""

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from governance.errors import Fault
from governance.keys.providers.sealed_file import read_private_file


@dataclass(frozen=True)
class PassphraseSource:
    """file: a file of mode 0600 with the passphrase in its first line. variable: an environment variable.

    With neither, the terminal prompts for the passphrase.
    """

    file: Path | None = None
    variable: str | None = None

    def read(self, *, twice: bool = False) -> str:
        """Return the passphrase; raises Fault if there is none and no terminal to prompt at.

        twice: prompt a second time and compare, as for a new key.
        """
        if self.file is not None:
            lines = read_private_file(self.file, "passphrase file").decode("utf-8", "replace").splitlines()
            return lines[0] if lines else ""
        if self.variable is not None:
            if self.variable not in os.environ:
                raise Fault(
                    "KEY_PASSPHRASE_MISSING",
                    f"The key needs a passphrase, but environment variable {self.variable} is not set.",
                    "Set the variable, or set passphrase_file under [keys] in hearth.toml.",
                )
            return os.environ[self.variable]
        if not sys.stdin.isatty():
            raise Fault(
                "KEY_PASSPHRASE_MISSING",
                "The key needs a passphrase, and there is no terminal to type it at.",
                "Set passphrase_file (mode 0600) under [keys] in hearth.toml, or run the command at a "
                "terminal.",
            )
        passphrase = getpass.getpass("Passphrase of the linkage key: ")
        if twice and getpass.getpass("Again: ") != passphrase:
            raise Fault(
                "KEY_PASSPHRASE_DIFFERS",
                "The two passphrases differ, so no key was made.",
                "Run the command again and type the same passphrase twice.",
            )
        return passphrase
