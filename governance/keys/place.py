"""Where a key file lies, what its key must be for, and how its older versions are called."""

from dataclasses import dataclass
from pathlib import Path

from governance.keys.file_key import open_file_key
from governance.keys.held_key import HeldKey
from governance.keys.passphrase import PassphraseSource


@dataclass(frozen=True)
class KeyPlace:
    """One layer's key file. version: the only one accepted; None for whichever it holds."""

    agreement: str
    period: str
    version: int | None
    path: Path
    passphrase: PassphraseSource

    def open(self) -> HeldKey:
        """Unseal the key; raises Fault when it is missing, exposed, damaged or the passphrase wrong."""
        return open_file_key(self.path, self.passphrase.read())

    def of_version(self, version: int) -> Path:
        """Return the file of a version that is no longer the current one."""
        return self.path.with_name(f"{self.path.stem}.v{version}{self.path.suffix}")

    def files(self) -> list[Path]:
        """Return every version's file that exists, the current one first."""
        older = sorted(self.path.parent.glob(f"{self.path.stem}.v*{self.path.suffix}"))
        return [p for p in (self.path, *older) if p.exists()]
