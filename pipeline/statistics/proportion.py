"""A proportion with its 95% interval, as linkage quality is reported."""

from dataclasses import dataclass

from pipeline.statistics.interval import wilson_interval


@dataclass(frozen=True)
class Proportion:
    """`successes` of `trials`, with Wilson's 95% interval; value and interval are None without trials."""

    successes: int
    trials: int

    @property
    def value(self) -> float | None:
        """The observed share, from 0 to 1."""
        return self.successes / self.trials if self.trials else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper limit of the share at 95% confidence."""
        if not self.trials:
            return None
        _, lower, upper = wilson_interval(self.successes, self.trials)
        return lower, upper

    def as_json(self) -> dict[str, float | int | None]:
        """Return counts, share and limits, rounded to four decimals."""
        limits = self.interval
        return {
            "successes": self.successes,
            "trials": self.trials,
            "value": None if self.value is None else round(self.value, 4),
            "low": None if limits is None else round(limits[0], 4),
            "high": None if limits is None else round(limits[1], 4),
        }
