"""Where a key is kept, what it must belong to, and the file names of its older versions."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from governance.errors import Fault
from governance.keys.passphrase import PassphraseSource
from governance.keys.providers.file_key import change_state, create_file_key, open_file_key
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.keyring_key import KeyringRoot
from governance.keys.providers.provider import KeyDescription
from governance.keys.providers.sealed_file import read_private_file, read_sealed_key
from governance.keys.pseudonyms.derivation import KEY_BYTES, KeyContext
from governance.keys.state_record import (
    change_recorded_state,
    create_state_record,
    read_context,
    read_state_record,
)
from governance.keys.states import KeyState

#: The agreement id of an outer key starts with this; the project's name follows.
OUTER = "outer/"


class Remote(Protocol):
    """A service that computes a key's root."""

    def root_of(self, context: KeyContext) -> bytes:
        """Return the root of a context."""
        ...


@dataclass(frozen=True)
class KeyStore:
    """One layer's key.

    path: its encrypted file or, if `remote` keeps the root, the record of its state.
    version: the only version accepted; None for the current one.
    """

    agreement: str
    period: str
    version: int | None
    path: Path
    passphrase: PassphraseSource
    provider: str = "file"
    remote: Remote | None = None

    def create(self, state: KeyState, today: date, expires: date | None) -> InMemoryKey:
        """Make the key, or start to use the remote's; raises Fault if it exists already."""
        context = KeyContext(self.agreement, self.period, self.version or 1)
        self.check_no_rotation()
        if self.remote is None:
            passphrase = self.passphrase.read(twice=True)
            described = KeyDescription(context, self.provider, state, 8 * KEY_BYTES, today, expires)
            return create_file_key(self.path, described, passphrase)
        if isinstance(self.remote, KeyringRoot):
            self.remote.create(context)
        root = self.remote.root_of(context)
        description = KeyDescription(context, self.provider, state, 8 * len(root), today, expires)
        create_state_record(self.path, description, root)
        return InMemoryKey(root, description)

    def open(self) -> InMemoryKey:
        """Open the key; raises Fault if it is missing, readable by others, damaged, or access is denied.

        Also raises Fault while a rotation is unfinished.
        """
        self.check_no_rotation()
        if self.remote is None:
            return open_file_key(self.path, self.passphrase.read())
        root = self.remote.root_of(read_context(self.path, self.agreement, self.period, self.version))
        return InMemoryKey(root, read_state_record(self.path, root))

    def open_previous(self, current: int) -> list[InMemoryKey]:
        """Open every version before `current` that is still kept, oldest first.

        Raises Fault if one is readable by others, damaged or has another passphrase. A key that no one
        can open any longer must be destroyed, not kept.
        """
        if self.remote is not None:
            return [key for version in range(1, current) if (key := self._open_version(version)) is not None]
        paths = [self.of_version(version) for version in range(1, current)]
        if not any(path.exists() for path in paths):
            return []
        passphrase = self.passphrase.read()
        return [open_file_key(path, passphrase) for path in paths if path.exists()]

    def change_state(self, wanted: KeyState) -> KeyDescription:
        """Change the current key's state; raises Refused if the change is not allowed."""
        self.check_no_rotation()
        if self.remote is None:
            return change_state(self.path, self.passphrase.read(), wanted)
        root = self.remote.root_of(read_context(self.path, self.agreement, self.period, self.version))
        return change_recorded_state(self.path, root, wanted)

    def _open_version(self, version: int) -> InMemoryKey | None:
        """Return an earlier version whose root the remote keeps; None if the remote no longer has it."""
        assert self.remote is not None  # noqa: S101  (the caller has checked it)
        context = KeyContext(self.agreement, self.period, version)
        try:
            root = self.remote.root_of(context)
        except Fault as fault:
            if fault.code == "KEY_MISSING":
                return None
            raise
        today = date.today()  # noqa: DTZ011  (a placeholder: the earlier version's record no longer exists)
        return InMemoryKey(
            root, KeyDescription(context, self.provider, KeyState.RETIRED, 8 * len(root), today, None)
        )

    def retire(self, version: int) -> KeyDescription:
        """Retire a key whose root is kept elsewhere; raises Fault if the record is of another version."""
        current = self.open().description
        if current.context.version != version:
            raise Fault(
                "KEY_MISSING",
                f"There is no key of version {version} here; the current key is {current.key_id}.",
                "Run `hearth keys list` to see the keys there are.",
            )
        return self.change_state(KeyState.RETIRED)

    def check_local(self) -> None:
        """Raise Fault if the root is kept elsewhere, so Hearth cannot rotate or destroy it."""
        if self.remote is not None:
            raise Fault(
                "KEY_KEPT_ELSEWHERE",
                f"{self.provider} keeps the root of this key, so Hearth cannot rotate or destroy it.",
                "Make a new version there. Then raise `version` and change `path` under [keys] in "
                "hearth.toml, and run `hearth keys new`.",
            )

    @property
    def rotation_mark(self) -> Path:
        """The file that exists from the start of a rotation until its audit entry is written."""
        return self.path.with_name(f".{self.path.stem}.rotating")

    @property
    def next_file(self) -> Path:
        """The file of the new key during a rotation."""
        return self.path.with_name(f".{self.path.stem}.next{self.path.suffix}")

    def unfinished_rotation(self) -> int | None:
        """Return the version that an unfinished rotation replaces; None if there is no such rotation.

        The key files show it too, so a deleted mark does not let a half-rotated key be used: the replaced
        version of an outer key is retired only after its record keys are carried over.
        """
        if self.remote is not None:
            return None
        if self.rotation_mark.exists():
            return self._marked_version()
        if self.next_file.exists():
            if self.path.exists():
                return read_sealed_key(self.path).description.context.version
            return read_sealed_key(self.next_file).description.context.version - 1
        if self.agreement.startswith(OUTER) and self.path.exists():
            replaced = read_sealed_key(self.path).description.context.version - 1
            older = self.of_version(replaced)
            if older.exists() and read_sealed_key(older).description.state is KeyState.LINK_ONLY:
                return replaced
        return None

    def _marked_version(self) -> int:
        try:
            return int(json.loads(read_private_file(self.rotation_mark, "rotation mark"))["replaces"])
        except (ValueError, KeyError, TypeError):
            raise Fault(
                "KEY_FILE_MALFORMED",
                f"{self.rotation_mark.name}, the mark of an unfinished rotation, was altered.",
                'Restore it: {"replaces":N}, where N is the version that the rotation replaces. '
                "`hearth keys list` shows the versions.",
            ) from None

    def check_no_rotation(self) -> None:
        """Raise Fault if a rotation was interrupted and is not completed yet."""
        if self.unfinished_rotation() is not None:
            layer = "outer" if self.agreement.startswith(OUTER) else "inner"
            raise Fault(
                "KEY_ROTATION_UNFINISHED",
                f"A rotation of the {layer} key was interrupted, so the key cannot be used yet.",
                f"Run `hearth keys rotate --layer {layer}` again. It completes the interrupted rotation and "
                "makes no further version.",
            )

    def of_version(self, version: int) -> Path:
        """Return the file of an earlier version."""
        return self.path.with_name(f"{self.path.stem}.v{version}{self.path.suffix}")

    def files(self) -> list[Path]:
        """Return every version's file that exists, the current one first."""
        older = sorted(self.path.parent.glob(f"{self.path.stem}.v*{self.path.suffix}"))
        return [p for p in (self.path, *older) if p.exists()]
