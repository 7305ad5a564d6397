"""At-source custody on the command line: three places, each with its own keys alone."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from terminal import Ran, hearth

from governance.unsafe_demo_principals import write_unsafe_demo_keys

CONTROLLERS = ("council", "nhs")
PASSPHRASE = "four random words here"
pytestmark = pytest.mark.slow


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
    named = own or ['council_property]\npath = "never-read.csv"\n']
    (place / "hearth.toml").write_text(head + keys + "".join(f"[extracts.{text}" for text in named))
    for path in synthetic.iterdir():
        if path.name.split(".")[0] in (*tables, "agreement"):
            shutil.copy(path, place)
    (place / "passphrase").write_text(PASSPHRASE + "\n")
    (place / "passphrase").chmod(0o600)
    return Place(place)


@pytest.fixture(scope="module")
def agreed(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Three:
    """Three places whose keys are made, compared, and recorded in the agreement."""
    root = tmp_path_factory.mktemp("three")
    under = 'passphrase_file = "passphrase"\n'
    outer = f'[keys.outer]\npath = "outer.key"\n{under}[keys.transfer]\nidentity = "identity"\n{under}'
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
    linkage.acts_by("operator", "releaser")
    return Three(council, nhs, linkage)


@pytest.fixture
def three(agreed: Three, tmp_path: Path) -> Three:
    shutil.copytree(agreed.council.folder.parent, tmp_path / "three", symlinks=True)
    return Three(*(Place(tmp_path / "three" / name) for name in ("council", "nhs", "linkage")))


def test_two_packages_reach_the_link_stage_where_no_linkage_key_and_no_clear_table_ever_was(
    three: Three,
) -> None:
    for controller in CONTROLLERS:
        three.send(controller)
    outcome = three.linkage.run()
    done = {(s["stage"], s["part"]): s["outcome"] for s in outcome["stages"]}
    assert done["pseudonymise", "council"] == done["pseudonymise", "nhs"] == "done", outcome
    assert ("ingest", "council") not in done
    assert ("link", "all") in done, outcome
    linkage_files = three.linkage.files()
    assert not [f for f in linkage_files if "linkage.key" in f or f.startswith("workspace/clear/")]
    assert not any(three.inbox.iterdir())
    for place in (three.council, three.nhs):
        left = [f for f in place.files() if f.startswith("workspace/") and f.endswith(".parquet")]
        assert [f for f in left if "quarantine" not in f] == []
        assert hearth("audit", "verify", place.workspace / "audit").code in (0, 4)


def test_a_linkage_environment_without_an_operators_key_starts_nothing(three: Three) -> None:
    config = three.linkage.folder / "hearth.toml"
    kept = [line for line in config.read_text().splitlines() if not line.startswith("signing_keys")]
    config.write_text("\n".join(kept) + "\n")
    outcome = three.linkage.run()
    assert (outcome["status"], outcome["code"]) == ("refused", "OPERATOR_NOT_AUTHENTICATED")
    assert three.linkage.events()[-1]["actor"].startswith("unauthenticated:")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_an_altered_package_is_refused_with_a_remedy_and_only_the_audit_log_grows(three: Three) -> None:
    package = three.send("council")
    three.send("nhs")
    before = three.linkage.files()
    for name, code in (
        ("manifest.sig", "PACKAGE_SIGNATURE_INVALID"),
        ("manifest.json", "PACKAGE_SIGNATURE_INVALID"),
        ("dwelling.parquet.age", "PACKAGE_ALTERED"),
    ):
        flip(package / name)
        outcome = three.linkage.run()
        assert (outcome["status"], outcome["code"]) == ("refused", code)
        assert outcome["remedy"]
        refusal = [e for e in three.linkage.events() if e["event"] == "run_end"][-1]
        assert (refusal["verdict"], refusal["evidence"]["code"]) == ("refused", code)
        flip(package / name)
    grown = {f.split("/")[1] for f in three.linkage.files() - before if f.startswith("workspace/")}
    assert grown <= {"audit", "runs", "keys", ".run.lock"}


def test_last_months_package_is_refused(three: Three, tmp_path: Path) -> None:
    first = three.send("council")
    shutil.copytree(first, tmp_path / "last month")
    three.send("nhs")
    three.linkage.run()
    shutil.copytree(tmp_path / "last month", three.inbox / first.name)
    outcome = three.linkage.run()
    assert (outcome["status"], outcome["code"]) == ("refused", "PACKAGE_REPLAYED")


def test_check_values_that_differ_are_refused_on_the_telephone(three: Three) -> None:
    ran = three.nhs.ask("keys", "check-value", "--compare", "0123456789abcdef")
    assert ran.code == 2
    assert "CHECK_VALUES_DIFFER" in ran.err
    assert [e["verdict"] for e in three.nhs.events() if e["event"] == "key"][-1] == "refused"


def test_a_pending_key_makes_no_package(three: Three) -> None:
    (three.council.folder / "linkage.key").unlink()
    assert three.council.key("new")["state"] == "pending"
    ran = three.council.ask("pseudonymise", "--controller", "council")
    assert ran.code == 2
    assert "KEY_NOT_ACTIVE" in ran.err
    assert not (three.council.folder / "outbox").exists()


def test_a_bad_key_file_stops_the_controller_before_its_extract_is_read(three: Three) -> None:
    key = three.council.folder / "linkage.key"
    sound = key.read_bytes()
    for content, mode, code in (
        (sound, 0o644, "KEY_FILE_EXPOSED"),
        (sound[:100], 0o600, "KEY_FILE_MALFORMED"),
        (bytes(range(16)), 0o600, "KEY_TOO_SHORT"),
    ):
        key.write_bytes(content)
        key.chmod(mode)
        ran = three.council.ask("pseudonymise", "--controller", "council")
        assert ran.code == 1
        assert code in ran.err
        assert "What to do" in ran.err
        assert three.council.events()[-1]["evidence"]["code"] == code
    assert not (three.council.folder / "outbox").exists()
    assert not [f for f in three.council.files() if f.startswith("workspace/clear")]
