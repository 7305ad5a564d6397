"""One publication: what the publish stage works with, opened once for its whole length."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.context import RunContext
from pipeline.disclosure.epoch import epoch_of_project
from pipeline.disclosure.ledger import Ledger
from pipeline.disclosure.profile import FLOOR_ROUNDING_BASE, Profile, profile_of
from pipeline.publish.commit_release import open_ledger
from pipeline.publish.files.manifest import STAGED_PREFIX
from pipeline.publish.files.release_table import ReleaseIdentity
from pipeline.quality.protection import Terms
from schemas.storage.zones import RELEASES


@dataclass(frozen=True)
class Publication:
    """A release in the making. Make it with `of`.

    profile: the agreement's disclosure control. ledger: every earlier release, verified. fingerprint: of
    everything that the release follows from.
    """

    context: RunContext
    profile: Profile
    ledger: Ledger
    identity: ReleaseIdentity
    fingerprint: str

    @classmethod
    def of(cls, fingerprint: str, context: RunContext) -> "Publication":
        """Open the ledger and read the profile; raises Refused where the ledger is lost or edited."""
        profile = profile_of(context.agreement)
        identity = ReleaseIdentity(
            f"{context.project.reference_date.isoformat()}-{fingerprint[:12]}",
            epoch_of_project(context.project, profile.epoch),
            context.project.reference_date,
            profile.method,
        )
        return cls(context, profile, open_ledger(context), identity, fingerprint)

    @property
    def releases(self) -> Path:
        """The zone of published releases."""
        return self.context.workspace.zone(RELEASES)

    @property
    def published(self) -> Path:
        """The folder of this release once it is published."""
        return self.releases / self.identity.release_id

    @property
    def staged(self) -> Path:
        """The folder of this release until its gate has judged it."""
        return self.releases / f"{STAGED_PREFIX}{self.identity.release_id}"

    @property
    def reference_date(self) -> str:
        """The date that the figures are about, as text."""
        return self.identity.reference_date.isoformat()

    @property
    def quality_terms(self) -> Terms:
        """The numbers that protect the quality report: counts of records are always rounded."""
        return Terms(self.profile.minimum_cell_count, max(self.profile.rounding_base, FLOOR_ROUNDING_BASE))

    @cached_property
    def correction_reason(self) -> str | None:
        """Why this run corrects its epoch; None where it does not."""
        correction = self.context.project.correction
        corrects = correction and self.identity.epoch.startswith(f"{correction.epoch}-correction-")
        return correction.reason if correction and corrects else None
