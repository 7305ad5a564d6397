"""All findings of one release as tables: what `hearth findings` writes."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from governance.errors import Fault
from pipeline.findings.benchmark import benchmarks_of, compare_with_benchmark_file, read_benchmark
from pipeline.findings.framework_report import fill_framework
from pipeline.findings.funnel import funnel_of
from pipeline.findings.inequality import inequality_of
from pipeline.findings.profile import profile_of
from pipeline.findings.rates import rates_of
from pipeline.findings.release_comparison import Comparison, compare_releases
from pipeline.findings.release_figures import ReleaseFigures, read_release
from pipeline.findings.standardised import standardised_rates_of
from pipeline.findings.verdicts import compare_with_area
from pipeline.statistics.interval import confidence_level
from schemas.framework import Framework, frameworks

DEFAULT_FRAMEWORK = "household_outcomes"


@dataclass(frozen=True)
class Findings:
    """Tables calculated from one release. comparison: with an earlier release, None where none was named."""

    release: ReleaseFigures
    confidence: float
    framework_name: str
    rates: pd.DataFrame
    funnel: pd.DataFrame
    standardised: pd.DataFrame
    inequality: pd.DataFrame
    framework: pd.DataFrame
    profile: pd.DataFrame
    benchmarks: pd.DataFrame
    comparison: Comparison | None

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return name -> table, for every table that is written."""
        named = {
            "rates": self.rates,
            "funnel": self.funnel,
            "standardised": self.standardised.drop(columns=["lower_95", "upper_95"]),
            "inequality": self.inequality,
            "framework": self.framework,
            "profile": self.profile,
            "benchmarks": self.benchmarks,
        }
        if self.comparison is not None:
            named["changes"] = self.comparison.changes
        return named


def find_all(
    folder: Path,
    earlier: Path | None = None,
    benchmark: Path | None = None,
    framework: str = DEFAULT_FRAMEWORK,
    confidence: float = 0.95,
) -> Findings:
    """Return the findings of the release in `folder`; the modules of this package describe each table.

    benchmark: a file in the form of `schemas/benchmarks/england.csv`, which is used when None.
    """
    level = check_confidence(confidence)
    chosen = _framework(framework)
    release = read_release(folder)
    rates = compare_with_area(rates_of(release, level), release, level)
    published = read_benchmark(benchmark)
    rates = compare_with_benchmark_file(rates, published, release.count_variance, level)
    profile = compare_with_benchmark_file(
        profile_of(release, level), published, release.count_variance, level
    )
    standardised = standardised_rates_of(rates, release, level)
    comparison = None if earlier is None else compare_releases(read_release(earlier), release, level)
    return Findings(
        release=release,
        confidence=level,
        framework_name=framework,
        rates=rates,
        funnel=funnel_of(rates, release),
        standardised=standardised,
        inequality=inequality_of(rates, standardised, level),
        framework=fill_framework(chosen, rates, None if comparison is None else comparison.changes),
        profile=profile,
        benchmarks=benchmarks_of(pd.concat([rates, profile], ignore_index=True), published),
        comparison=comparison,
    )


def check_confidence(confidence: float) -> float:
    """Return the level as a share; raises Fault where it is not a confidence level."""
    try:
        return confidence_level(confidence)
    except ValueError as error:
        raise Fault("NO_SUCH_CONFIDENCE", f"{error}.", "Use 95 or 99.8, as Fingertips does.") from None


def _framework(name: str) -> Framework:
    if name not in frameworks():
        raise Fault(
            "NO_SUCH_FRAMEWORK",
            "There is no framework with that name.",
            f"Use one of {', '.join(frameworks())}, or add a file to schemas/frameworks.",
        )
    return frameworks()[name]
