"""The page of `hearth findings`: in plain English, with what a reader must know of the figures."""

import re

from pipeline.findings.all_findings import find_all
from pipeline.findings.report import report_findings
from tests.unit.findings.conftest import MakeRelease, rate_cells


def page_of(make_release: MakeRelease, confidence: float = 0.95) -> str:
    area = {"level": "MSOA21", "area": "E02000001"}
    quintiles = [
        c
        for quintile in range(1, 6)
        for c in rate_cells("emergency_admission", 300 - 40 * quintile, 1000, imd_quintile=str(quintile))
    ]
    release = make_release(
        {
            "health": [
                *rate_cells("emergency_admission", 900, 5000),
                *rate_cells("emergency_admission", 300, 1000, **area),
            ],
            "health_by_imd_quintile": quintiles,
        }
    )
    return report_findings(find_all(release, confidence=confidence))


def test_a_reader_learns_what_a_rate_is_and_how_many_comparisons_were_made(make_release: MakeRelease) -> None:
    page = page_of(make_release)
    assert "- A rate describes a group. It is not true of each person or household in the group." in page
    # quintile 3 has 18.0%, and the authority too
    assert "6 rates are compared with the rest of their local authority" in page
    assert "5 differ; at most 5% of these are expected to differ by chance only." in page


def test_the_share_of_false_differences_follows_the_confidence(make_release: MakeRelease) -> None:
    assert "at most 0.2% of these are expected" in page_of(make_release, 0.998)
    assert "99.8% confidence limits for chance" in page_of(make_release, 0.998)


def test_both_indices_name_their_direction_and_the_ends_of_the_line(make_release: MakeRelease) -> None:
    page = page_of(make_release)
    assert "| SII, least minus most | RII, most to least | finding |" in page
    (most, least) = re.findall(r"IMD quintile \(1 most deprived\) \| (\S+) to (\S+) \|", page)[0]
    assert float(most) > 26
    assert float(least) < 12
    assert "imd_quintile" not in page


def test_change_has_columns_only_where_an_earlier_release_is_compared(make_release: MakeRelease) -> None:
    assert "| indicator | percent | benchmark |\n" in page_of(make_release)
    before = make_release({"health": rate_cells("emergency_admission", 900, 5000)})
    after = make_release({"health": rate_cells("emergency_admission", 700, 5000)}, "2026-06-30", "2026-Q2")
    compared = report_findings(find_all(after, earlier=before))
    assert "| indicator | percent | benchmark | change in points | verdict |\n" in compared
    assert "| -4.0 (-5.4 to -2.6) | better |" in compared


def test_no_figure_of_the_page_is_nan(make_release: MakeRelease) -> None:
    cells = [*rate_cells("emergency_admission", None, 5000), *rate_cells("childhood_asthma", 5, 900)]
    assert "nan" not in report_findings(find_all(make_release({"health": cells}))).lower()
