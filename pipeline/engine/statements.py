"""Reads the SQL statements that a package has in its folder `sql/`."""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Statements:
    """The statements of one package. package: its dotted name."""

    package: str

    def read(self, name: str) -> str:
        """Return the text of `sql/<name>.sql`; the name may contain a folder."""
        return (files(self.package) / "sql" / f"{name}.sql").read_text("utf-8")

    def filled(self, name: str, **parts: str) -> str:
        """Return the text of `sql/<name>.sql` with each `{part}` replaced by its value.

        parts: SQL that the package itself declares, such as column lists; never data.
        """
        text = self.read(name)
        for part, value in parts.items():
            text = text.replace("{" + part + "}", value)
        return text
