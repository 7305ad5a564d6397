"""A key file opens for its owner with its passphrase, as it was made; in every other case it says why not."""

import json
import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from governance.errors import Fault, HearthError, Refused
from governance.keys.providers.file_key import change_state, create_file_key, open_file_key
from governance.keys.providers.provider import KeyDescription
from governance.keys.providers.sealed_file import ScryptCost
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.settings import KeyUse, open_key, read_key_settings
from governance.keys.states import KeyState, check_transition

PASSPHRASE = "four random words here"
CONTEXT = KeyContext("dsa-1", "2026")
TODAY = date(2026, 6, 1)
QUICK = ScryptCost(n=2**10)
DESCRIBED = KeyDescription(CONTEXT, "file", KeyState.ACTIVE, 256, TODAY, None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_file_key(tmp_path / "linkage.key", DESCRIBED, PASSPHRASE, QUICK)
    return tmp_path / "linkage.key"


def test_a_key_opens_as_it_was_made_and_lies_private_and_sealed(path: Path) -> None:
    key = open_file_key(path, PASSPHRASE)
    assert key.description.key_id == "dsa-1:2026:v1"
    assert key.description.bits == 256
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_file_key(path, PASSPHRASE).check_value("uprn") == key.check_value("uprn")


def test_two_new_keys_are_two_keys(tmp_path: Path) -> None:
    keys = [
        create_file_key(tmp_path / name, replace(DESCRIBED, state=KeyState.PENDING), PASSPHRASE, QUICK)
        for name in ("a", "b")
    ]
    assert keys[0].check_value("uprn") != keys[1].check_value("uprn")
    assert keys[0].check_value("uprn") != keys[0].check_value("nhs_number")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o700, 0o602])
def test_a_key_file_that_others_may_read_or_write_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(Fault, match="KEY_FILE_EXPOSED"):
        open_file_key(path, PASSPHRASE)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_of_its_owner_alone_is_accepted(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert open_file_key(path, PASSPHRASE).description.state is KeyState.ACTIVE


def test_a_symbolic_link_is_refused_even_to_a_sound_key(path: Path) -> None:
    link = path.with_name("link.key")
    link.symlink_to(path)
    with pytest.raises(Fault, match="KEY_FILE_SYMLINK"):
        open_file_key(link, PASSPHRASE)


def test_a_dangling_link_a_folder_and_a_pipe_are_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, code in (
        ("dangling", "KEY_FILE_SYMLINK"),
        ("folder", "KEY_FILE_NOT_REGULAR"),
        ("pipe", "KEY_FILE_NOT_REGULAR"),
    ):
        with pytest.raises(Fault, match=code):
            open_file_key(tmp_path / name, PASSPHRASE)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_refused(path: Path) -> None:
    os.chown(path, 65534, 65534)
    with pytest.raises(Fault, match="KEY_FILE_OWNER"):
        open_file_key(path, PASSPHRASE)


def test_a_key_file_cut_short_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in (0, 1, 16, 32, 33, 100, len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole[:length])
        with pytest.raises(Fault, match=r"KEY_FILE_MALFORMED|KEY_TOO_SHORT|KEY_PASSPHRASE_WRONG"):
            open_file_key(path, PASSPHRASE)


@pytest.mark.parametrize("size", [16, 31, 32])
def test_a_bare_key_of_a_few_bytes_is_no_key_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "bare.key"
    path.write_bytes(bytes(range(100, 100 + size)))
    path.chmod(0o600)
    with pytest.raises(Fault, match="KEY_TOO_SHORT"):
        open_file_key(path, PASSPHRASE)


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    for content in (b"[]" + b" " * 40, b"{}", b'{"header": 5, "sealed": ""}', b"\xff" * 200, b"x" * 20_000):
        path.write_bytes(content)
        with pytest.raises(Fault, match="KEY_FILE_MALFORMED"):
            open_file_key(path, PASSPHRASE)


def test_a_wrong_passphrase_is_refused_without_quoting_it(path: Path) -> None:
    with pytest.raises(Fault, match="KEY_PASSPHRASE_WRONG") as refusal:
        open_file_key(path, "another passphrase")
    assert "another" not in str(refusal.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("state", "active"), ("expires", "2099-01-01"), ("agreement", "dsa-2"), ("version", 2)],
)
def test_an_edited_header_does_not_open(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "k"
    create_file_key(path, replace(DESCRIBED, state=KeyState.PENDING, expires=TODAY), PASSPHRASE, QUICK)
    content = json.loads(path.read_bytes())
    assert content["header"][field] != value
    content["header"][field] = value
    path.write_text(json.dumps(content))
    with pytest.raises(Fault, match="KEY_PASSPHRASE_WRONG"):
        open_file_key(path, PASSPHRASE)


@pytest.mark.parametrize(
    ("passphrase", "is_enough"), [("elevenchars", False), ("twelve chars", True), ("aaaaaaaaaaaaaaaa", False)]
)
def test_a_weak_passphrase_makes_no_key(tmp_path: Path, passphrase: str, is_enough: bool) -> None:
    if is_enough:
        create_file_key(tmp_path / "k", replace(DESCRIBED, state=KeyState.PENDING), passphrase, QUICK)
    else:
        with pytest.raises(Fault, match="KEY_PASSPHRASE_WEAK"):
            create_file_key(tmp_path / "k", replace(DESCRIBED, state=KeyState.PENDING), passphrase, QUICK)
        assert not any(tmp_path.iterdir())


def test_a_key_is_never_overwritten_by_a_new_one(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(Fault, match="KEY_EXISTS"):
        create_file_key(path, replace(DESCRIBED, state=KeyState.PENDING), PASSPHRASE, QUICK)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("current", "wanted", "is_allowed"),
    [
        ("pending", "active", True),
        ("active", "link-only", True),
        ("active", "retired", True),
        ("link-only", "retired", True),
        ("retired", "destroyed", True),
        ("active", "destroyed", False),
        ("active", "pending", False),
        ("link-only", "active", False),
        ("retired", "active", False),
        ("destroyed", "retired", False),
    ],
)
def test_a_key_moves_forward_through_its_states_and_never_back(
    current: str, wanted: str, is_allowed: bool
) -> None:
    if is_allowed:
        check_transition("k", KeyState(current), KeyState(wanted))
    else:
        with pytest.raises(Refused, match="KEY_STATE_FORBIDDEN"):
            check_transition("k", KeyState(current), KeyState(wanted))


def test_a_retired_key_still_shows_its_check_value_and_hashes_nothing(path: Path) -> None:
    active = open_file_key(path, PASSPHRASE)
    change_state(path, PASSPHRASE, KeyState.RETIRED)
    retired = open_file_key(path, PASSPHRASE)
    assert retired.check_value("uprn") == active.check_value("uprn")
    for ask in (lambda: retired.keyed_state("uprn"), lambda: retired.worker_keys(["uprn"])):
        with pytest.raises(Refused, match="KEY_NOT_ACTIVE"):
            ask()


def opened(path: Path, **changes: object) -> object:
    use = {
        "agreement": "dsa-1",
        "period": "2026",
        "project": "p",
        "custody": "at-source",
        "production": True,
        "workspace_keys": path.parent / "zone",
        "today": TODAY,
    }
    passphrase = path.with_name("passphrase")
    passphrase.write_text(PASSPHRASE + "\n")
    passphrase.chmod(0o600)
    table = {"path": path.name, "passphrase_file": passphrase.name}
    settings = read_key_settings(table, path.parent, str(changes.get("custody", "at-source")))
    return open_key(settings, KeyUse(**(use | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"agreement": "dsa-2"}, "KEY_CONTEXT_MISMATCH"),
        ({"period": "2027"}, "KEY_CONTEXT_MISMATCH"),
        ({"today": TODAY - timedelta(days=1)}, "CLOCK_SET_BACK"),
        ({"custody": "single-operator"}, "CUSTODY_FORBIDDEN"),
    ],
)
def test_a_run_opens_the_key_of_its_own_agreement_and_period_alone(
    path: Path, changes: dict[str, object], code: str | None
) -> None:
    if code is None:
        assert opened(path, **changes) is not None
    else:
        with pytest.raises(HearthError, match=code):
            opened(path, **changes)


@pytest.mark.parametrize(("days", "is_usable"), [(0, True), (1, False)])
def test_a_key_can_be_used_up_to_its_last_day(tmp_path: Path, days: int, is_usable: bool) -> None:
    path = tmp_path / "k"
    create_file_key(path, replace(DESCRIBED, expires=TODAY), PASSPHRASE, QUICK)
    if is_usable:
        opened(path, today=TODAY + timedelta(days=days))
    else:
        with pytest.raises(Refused, match="KEY_EXPIRED"):
            opened(path, today=TODAY + timedelta(days=days))


def test_a_missing_key_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="hearth keys new") as fault:
        opened(tmp_path / "nowhere.key")
    assert fault.value.code == "KEY_MISSING"


def test_an_exposed_passphrase_file_is_refused(path: Path) -> None:
    opened(path)
    settings = read_key_settings(
        {"path": path.name, "passphrase_file": "passphrase"}, path.parent, "at-source"
    )
    path.with_name("passphrase").chmod(0o644)
    with pytest.raises(Fault, match="KEY_FILE_EXPOSED"):
        settings.passphrase.read()


@pytest.mark.parametrize(
    ("custody", "production", "is_usable"),
    [
        ("single-operator", False, True),
        ("single-operator", True, False),
        ("at-source", False, False),
        ("third-party", False, False),
    ],
)
def test_the_unsafe_demo_key_works_in_the_sample_project_alone(
    tmp_path: Path, custody: str, production: bool, is_usable: bool
) -> None:
    settings = read_key_settings({"provider": "unsafe-demo"}, tmp_path, custody)

    def use() -> object:
        return open_key(
            settings, KeyUse("dsa-1", "2026", "p", custody, production, workspace_keys=tmp_path, today=TODAY)
        )

    if is_usable:
        assert use() is not None
        assert all("UNSAFE" in p.name for p in tmp_path.rglob("*") if p.is_file())
    else:
        with pytest.raises(Refused, match=r"UNSAFE_KEY_FORBIDDEN|CUSTODY_FORBIDDEN"):
            use()
        assert not any(tmp_path.iterdir())


def test_a_demo_key_that_was_made_here_and_is_gone_is_missed(tmp_path: Path) -> None:
    settings = read_key_settings({}, tmp_path, "single-operator")

    def use() -> object:
        return open_key(
            settings,
            KeyUse("dsa-1", "2026", "p", "single-operator", False, workspace_keys=tmp_path, today=TODAY),
        )

    use()
    use()
    next(tmp_path.rglob("dsa-1*/*.key")).unlink()
    with pytest.raises(Fault, match="KEY_MISSING"):
        use()


def test_every_mistake_in_the_keys_table_is_listed_at_once(tmp_path: Path) -> None:
    table = {"provider": "envelope", "pth": "x", "version": 0, "outer": {"provider": "file"}}
    with pytest.raises(Fault) as fault:
        read_key_settings(table, tmp_path, "at-source")
    assert len(fault.value.findings) == 4
