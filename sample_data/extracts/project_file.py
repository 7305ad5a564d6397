"""The `hearth.toml` for synthetic extracts: where the files are and how they are written."""

from sample_data.settings import DIALECTS, Dialect, SyntheticSettings


def hearth_toml(settings: SyntheticSettings) -> str:
    """Return a project file for the extracts that `synthesise` writes with these settings."""
    parts = [
        "# Project file of an invented population (see README.md). People, addresses, UPRNs and NHS",
        "# numbers are invented: single-operator custody would be refused for real extracts.",
        "",
        "[project]",
        'name = "sample"',
        'custody = "single-operator"',
        "production = false",
        f"reference_date = {settings.reference_date.isoformat()}",
        'agreement = "agreement.toml"',
        "# The hidden truth, for the quality report to measure by; refused for real people.",
        'truth = "truth"',
        "",
        "[engine]",
        "threads = 2",
        'memory_limit = "2GB"',
    ]
    for table, dialect in DIALECTS.items():
        parts += ["", *_extract(table, dialect, settings.file_format)]
    return "\n".join(parts) + "\n"


def _extract(table: str, dialect: Dialect, file_format: str) -> list[str]:
    lines = [f"[extracts.{table}]", f'path = "{dialect.name}.{file_format}"']
    if file_format != "parquet":
        if dialect.encoding != "utf-8":
            lines.append(f'encoding = "{dialect.encoding}"')
        if dialect.delimiter != ",":
            shown = dialect.delimiter.replace("\t", "\\t")
            lines.append(f'delimiter = "{shown}"')
    if dialect.date_formats != ("%Y-%m-%d",):
        formats = ", ".join(f'"{text}"' for text in dialect.date_formats)
        lines.append(f"date_formats = [{formats}]")
    if dialect.columns:
        lines.append(f"[extracts.{table}.columns]")
        lines += [f'{ours} = "{theirs}"' for ours, theirs in dialect.columns]
    return lines
