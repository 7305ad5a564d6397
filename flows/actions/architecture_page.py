"""The table of stages in `docs/architecture.md`, generated from the declared stages.

`python -m flows.actions.architecture_page` writes it again after a stage or rule changed.
"""

from pathlib import Path

from flows.stages import STAGES, Stage
from governance.rules import rules_for

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
BEGIN, END = "<!-- stages: generated, do not edit -->", "<!-- end of stages -->"


def stage_table() -> str:
    """Return the stages as a Markdown table: one row a stage, in the order of a run."""
    lines = [
        "| Stage | What it does | Reads | Zone | Runs at | Rules of its gate |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{stage.name}` | {stage.does} | {', '.join(stage.reads) or 'extracts or packages'} "
        f"| `{stage.zone}` | {', '.join(sorted(stage.places))} | {_rules(stage)} |"
        for stage in STAGES
    ]
    return "\n".join(lines)


def with_stage_table(page: str) -> str:
    """Return the page with its table of stages generated anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{stage_table()}\n\n{END}{after}"


def _reads(stage: Stage) -> str:
    return ", ".join(stage.reads) or ("packages" if "linkage environment" in stage.places else "extracts")


def _rules(stage: Stage) -> str:
    parts = ("council", "nhs") if stage.per_controller else ("all",)
    return ", ".join(dict.fromkeys(rule.id for part in parts for rule in rules_for(stage.name, part)))


if __name__ == "__main__":
    PAGE.write_text(with_stage_table(PAGE.read_text("utf-8")), "utf-8")
