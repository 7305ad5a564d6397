"""At-source custody on one machine: a council, an NHS body and a linkage environment, each with its own keys.

At-source custody is production: the places are in memory, their papers signed, their extracts announced.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from terminal import Ran, hearth

from flows.actions.extract_signing import sign_extract
from flows.run.controller_run import pseudonymise_at_source
from flows.run.run import RunRequest, new_run_id, run_pipeline
from governance.agreement.agreement import read_agreement
from governance.agreement.decisions import release_specification
from governance.principals.signing_key import add_approval
from governance.principals.unsafe_demo_principals import sign_sample_agreement, write_unsafe_demo_keys
from pipeline.code_version import code_version
from pipeline.project import read_project
from pipeline.publish.files.release_content import criteria_of

CONTROLLERS = ("council", "nhs")
PASSPHRASE = "four random words here"


@contextmanager
def isolated() -> Iterator[None]:
    """Let this process count as the isolated interpreter that `hearth` starts; pytest's own is not."""
    with patch("flows.run.setup.run_evidence.import_overrides", return_value=[]):
        yield


@dataclass(frozen=True)
class Place:
    """A folder with a hearth.toml, its keys and its workspace; no place sees another's."""

    folder: Path

    def ask(self, *arguments: str | Path) -> Ran:
        return hearth(*arguments, "--config", self.folder / "hearth.toml", "--workspace", self.workspace)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def key(self, *arguments: str) -> dict[str, Any]:
        ran = self.ask("keys", *arguments, "--json")
        assert ran.code == 0, ran.err
        return ran.outcome

    def run(self) -> dict[str, Any]:
        return self.ask("run", "--no-orchestrator", "--json").outcome

    def run_here(self) -> dict[str, Any]:
        """Do what the command does, in this process: many nights that are refused at once."""
        with isolated():
            request = RunRequest.of(self.folder / "hearth.toml", self.workspace)
            return run_pipeline(request, quiet=True).as_json()

    def pseudonymise_here(self, controller: str) -> None:
        """Do what `hearth pseudonymise` does, in this process; raises what the command tells."""
        project = read_project(self.folder / "hearth.toml", self.workspace)
        with isolated():
            pseudonymise_at_source(project, controller, new_run_id(), quiet=True)

    def acts_by(self, *names: str) -> None:
        """Let the sample agreement's people start runs here, by the project's setting."""
        write_unsafe_demo_keys(self.folder / "people")
        keys = ", ".join(f'"people/UNSAFE-{name}.pem"' for name in names)
        config = self.folder / "hearth.toml"
        text = config.read_text().replace("[project]\n", f"[project]\nsigning_keys = [{keys}]\n")
        config.write_text(text)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.workspace / "audit" / "audit.jsonl").open()]

    def files(self) -> set[str]:
        return {p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file()}


@dataclass(frozen=True)
class Three:
    council: Place
    nhs: Place
    linkage: Place

    @property
    def inbox(self) -> Path:
        return self.linkage.folder / "inbox"

    def send(self, controller: str) -> Path:
        """Let a controller make a package, and carry it over."""
        ran = getattr(self, controller).ask("pseudonymise", "--controller", controller, "--json")
        assert ran.code == 0, ran.err
        made = Path(ran.outcome["package"])
        self.inbox.mkdir(exist_ok=True)
        return Path(shutil.copytree(made, self.inbox / made.name))


def configure(place: Path, synthetic: Path, keys: str, tables: tuple[str, ...]) -> Place:
    """Give a place the sample's project file, with its own custody, keys and extracts."""
    place.mkdir()
    head, *extracts = (synthetic / "hearth.toml").read_text().split("[extracts.")
    own = [text for text in extracts if text.split("]")[0].split(".")[0] in tables]
    head = head.replace('custody = "single-operator"', 'custody = "at-source"')
    head = head.replace('truth = "truth"\n', "")  # nobody who links real people may know it
    (place / "hearth.toml").write_text(head + keys + "".join(f"[extracts.{text}" for text in own))
    for path in synthetic.iterdir():
        if path.name.split(".")[0] in (*tables, "agreement"):
            shutil.copy(path, place)
    (place / "passphrase").write_text(PASSPHRASE + "\n")
    (place / "passphrase").chmod(0o600)
    return Place(place)


def agree(synthetic: Path, root: Path) -> Three:
    """Return three places whose keys are made, compared, and recorded in the agreement."""
    under = 'passphrase_file = "passphrase"\n'
    # The identity's own passphrase is held by a unit test; to open one takes a second in each run.
    outer = f'[keys.outer]\npath = "outer.key"\n{under}[keys.transfer]\nidentity = "identity"\n'
    linkage = configure(root / "linkage", synthetic, outer, ())
    public = linkage.key("new", "--identity", str(linkage.folder / "identity"))["public_key"]
    linkage.key("new", "--layer", "outer")
    linkage.key("new", "--record-key")
    council, nhs = (
        configure(
            root / controller,
            synthetic,
            f'[keys]\npath = "linkage.key"\n{under}[keys.transfer]\nrecipient = "{public}"\n'
            f'signing_key = "{controller}.pem"\n{under}',
            tables,
        )
        for controller, tables in (
            ("council", ("council_property", "council_person", "area_lookup")),
            ("nhs", ("nhs_person", "nhs_condition", "nhs_event")),
        )
    )
    signers = {
        c: place.key("new", "--signing", str(place.folder / f"{c}.pem"))["public_key"]
        for c, place in (("council", council), ("nhs", nhs))
    }
    assert council.key("new")["state"] == "pending"
    shutil.copy(council.folder / "linkage.key", nhs.folder)
    values = council.key("check-value")["check_values"]
    for place in (council, nhs):
        assert place.key("check-value", "--compare", values["uprn"])["state"] == "active"
    table = ", ".join(f'{c} = "{text}"' for c, text in signers.items())
    config = linkage.folder / "hearth.toml"
    config.write_text(
        config.read_text().replace('identity = "identity"', f'identity = "identity"\nsigners = {{ {table} }}')
    )
    checks = ", ".join(f'{kind} = "{value}"' for kind, value in values.items())
    for place in (council, nhs, linkage):
        with (place.folder / "agreement.toml").open("a") as agreement:
            agreement.write(f"\n[linkage_key]\ncheck_values = {{ {checks} }}\n")
            for party, key in signers.items():
                agreement.write(
                    f'\n[[principals]]\nid = "{party}-sender"\nname = "sender"\nparty = "{party}"\n'
                    f'public_key = "{key}"\nroles = ["key-holder"]\n'
                )
            agreement.write(f'\n[code]\napproved = ["{code_version()}"]\n')
    linkage.acts_by("operator", "releaser")
    for place in (council, nhs, linkage):
        sign_papers(place, root / "papers")
    announce(council, root / "papers", ("council_property", "council_person", "area_lookup"))
    announce(nhs, root / "papers", ("nhs_person", "nhs_condition", "nhs_event"))
    return Three(council, nhs, linkage)


def sign_papers(place: Place, people: Path) -> None:
    """Sign the agreement for both controllers, and what it lets be published as its two approvers."""
    path = place.folder / "agreement.toml"
    sign_sample_agreement(path)
    write_unsafe_demo_keys(people)
    agreement = read_agreement(path)
    project = read_project(place.folder / "hearth.toml", place.workspace)
    specification = release_specification(agreement, criteria_of(project, agreement))
    for name in ("council-analyst", "nhs-analyst"):
        add_approval(path, agreement, specification, None, people / f"UNSAFE-{name}.pem")


def announce(place: Place, people: Path, tables: tuple[str, ...]) -> None:
    """Sign the manifest of each extract as its controller's supplier."""
    supplier = people / f"UNSAFE-{place.folder.name}-supplier.pem"
    for table in tables:
        sign_extract(place.folder / "hearth.toml", table, 1, None, supplier)


def copy_of(places: Three, folder: Path) -> Three:
    """Return a copy that a test may spoil."""
    shutil.copytree(places.council.folder.parent, folder, symlinks=True)
    return Three(*(Place(folder / name) for name in ("council", "nhs", "linkage")))
