"""The architecture page shows the stages as they are declared."""

from flows.actions.architecture_page import PAGE, stage_table, with_stage_table
from flows.stages import STAGES


def test_the_architecture_page_shows_the_declared_stages() -> None:
    page = PAGE.read_text("utf-8")
    assert with_stage_table(page) == page, "run `python -m flows.actions.architecture_page`"


def test_every_stage_has_a_row_with_its_zone_and_rules() -> None:
    rows = stage_table().splitlines()[2:]
    assert len(rows) == len(STAGES)
    assert all(f"`{stage.zone}`" in row for stage, row in zip(STAGES, rows, strict=True))
    assert all(row.rstrip("| ").split("|")[-1].strip() for row in rows)
