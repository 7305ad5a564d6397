"""The secret behind the noise, the profile that uses it, and the epoch that freezes what it made."""

import hashlib
import hmac
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from governance.agreement.terms import DisclosureTerms, Thresholds
from governance.errors import Fault, Refused
from pipeline.disclosure.epoch import epoch_of, epoch_of_project
from pipeline.disclosure.noise.p_table import noise_of, slots_per_noise
from pipeline.disclosure.noise.record_key import (
    SECRET_FILE,
    RecordKeySecret,
    load_secret,
    record_keys,
    secret_for_magnitudes,
)
from pipeline.disclosure.profile import profile_of
from pipeline.project import Correction

SECRET = RecordKeySecret(bytes(range(32)))


def context(folder: Path, custody: str = "single-operator", production: bool = False, **keys: str) -> Any:
    project = SimpleNamespace(custody=custody, production=production, keys=keys, folder=folder)
    return SimpleNamespace(project=project, workspace=SimpleNamespace(zone=lambda name: folder))


def written(path: Path, text: str = "ab" * 32, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_secret_is_made_once_for_one_operator_and_read_again(tmp_path: Path) -> None:
    first = load_secret(context(tmp_path))
    path = tmp_path / SECRET_FILE
    assert (len(first.value), path.stat().st_mode & 0o777) == (32, 0o600)
    assert load_secret(context(tmp_path)) == first
    assert [p.name for p in tmp_path.iterdir()] == [SECRET_FILE]
    assert first != load_secret(context(_folder(tmp_path / "other")))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("custody", "production"), [("at-source", False), ("single-operator", True), ("third-party", True)]
)
def test_a_missing_secret_is_never_made_anew_for_real_people(
    tmp_path: Path, custody: str, production: bool
) -> None:
    with pytest.raises(Fault, match="RECORD_KEY_SECRET_MISSING"):
        load_secret(context(tmp_path, custody, production))
    assert list(tmp_path.iterdir()) == []


def test_a_secret_elsewhere_is_read_where_the_project_names_it(tmp_path: Path) -> None:
    written(_folder(tmp_path / "safe") / "noise.secret", "cd" * 40)
    named = context(tmp_path, "at-source", True, record_key_file="safe/noise.secret")
    assert load_secret(named).value == bytes.fromhex("cd" * 40)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    written(tmp_path / SECRET_FILE, mode=mode)
    with pytest.raises(Fault, match="RECORD_KEY_SECRET_EXPOSED"):
        load_secret(context(tmp_path))


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_secret_that_only_its_owner_can_read_is_accepted(tmp_path: Path, mode: int) -> None:
    written(tmp_path / SECRET_FILE, mode=mode)
    assert load_secret(context(tmp_path)).value == b"\xab" * 32


def test_a_secret_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / SECRET_FILE)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(Fault, match="RECORD_KEY_SECRET_EXPOSED"):
        load_secret(context(tmp_path))


def test_a_linked_damaged_or_short_secret_is_refused(tmp_path: Path) -> None:
    target = written(tmp_path / "target")
    (tmp_path / SECRET_FILE).symlink_to(target)
    with pytest.raises(Fault, match="RECORD_KEY_SECRET_UNREADABLE"):
        load_secret(context(tmp_path))
    (tmp_path / SECRET_FILE).unlink()
    written(tmp_path / SECRET_FILE, "not hexadecimal")
    with pytest.raises(Fault, match="RECORD_KEY_SECRET_DAMAGED"):
        load_secret(context(tmp_path))
    written(tmp_path / SECRET_FILE, "ab" * 31)
    with pytest.raises(Fault, match="RECORD_KEY_SECRET_SHORT"):
        load_secret(context(tmp_path))


@pytest.mark.parametrize(("size", "is_taken"), [(31, False), (32, True), (33, True)])
def test_a_secret_has_at_least_thirty_two_bytes_and_is_never_shown(size: int, is_taken: bool) -> None:
    if is_taken:
        assert "1, 1" not in repr(RecordKeySecret(b"\x01" * size))
        assert "\\x01" not in repr(RecordKeySecret(b"\x01" * size))
        return
    with pytest.raises(Fault, match="RECORD_KEY_SECRET_SHORT"):
        RecordKeySecret(b"\x01" * size)


def test_record_keys_are_those_of_hmac_and_blank_anchors_have_none() -> None:
    """HMAC-SHA-256 of "record-key|household|a", its first two bytes modulo 4096."""
    digest = hmac.new(SECRET.value, b"record-key|household|a", hashlib.sha256).digest()
    assert record_keys(["a"], "household", SECRET).tolist() == [int.from_bytes(digest[:2], "big") % 4096]
    with pytest.raises(ValueError, match="dwelling"):
        record_keys(["a"], "dwelling", SECRET)
    for blank in ("", None):
        with pytest.raises(Fault, match="RECORD_KEY_ANCHOR_BLANK"):
            record_keys(["a", blank], "person", SECRET)  # type: ignore[list-item]


def test_sums_have_a_secret_of_their_own() -> None:
    other = secret_for_magnitudes(SECRET)
    assert (other != SECRET, other == secret_for_magnitudes(SECRET), len(other.value)) == (True, True, 32)


@pytest.mark.parametrize("bound", [3, 4, 5])
def test_the_slots_of_every_bound_are_symmetric_with_most_at_zero(bound: int) -> None:
    slots = slots_per_noise(bound)
    assert (len(slots), sum(slots), slots) == (2 * bound + 1, 4096, slots[::-1])
    assert list(slots[: bound + 1]) == sorted(slots[: bound + 1])
    values = np.arange(-bound, bound + 1)
    assert float((values**2 * np.array(slots)).sum() / 4096) == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(("key", "is_taken"), [(-1, False), (0, True), (4095, True), (4096, False)])
def test_a_cell_key_is_from_0_to_4095(key: int, is_taken: bool) -> None:
    if is_taken:
        assert abs(noise_of(np.array([20]), np.array([key]), 3, SECRET)[0]) <= 3
        return
    with pytest.raises(Fault, match="CELL_KEY_OUT_OF_RANGE"):
        noise_of(np.array([20, 30]), np.array([5, key]), 3, SECRET)


def test_no_counts_have_no_noise_and_others_have_it_in_their_order() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert noise_of(none, none, 3, SECRET).tolist() == []
    counts, keys = np.array([20, 10, 20, 10]), np.array([7, 8, 9, 7])
    each = [noise_of(counts[n : n + 1], keys[n : n + 1], 3, SECRET)[0] for n in range(4)]
    assert noise_of(counts, keys, 3, SECRET).tolist() == each


def profile(minimum: int = 10, base: int = 5, **terms: Any) -> Any:
    thresholds = Thresholds(minimum_cell_count=minimum, rounding_base=base)
    return profile_of(SimpleNamespace(thresholds=thresholds, disclosure=DisclosureTerms(**terms)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "minimum", "base", "found"),
    [
        ("cell-key", 10, 5, (10, 5, 3, False)),
        ("cell-key", 12, 10, (12, 10, 3, False)),
        ("exact-count", 10, 5, (10, 1, 0, True)),
        ("exact-count", 15, 10, (15, 1, 0, True)),
        ("nhs-hes", 10, 5, (10, 5, 3, False)),
        ("uk-llc", 11, 5, (11, 5, 3, False)),
        ("cell-key", 9, 5, (10, 5, 3, False)),
        ("cell-key", 10, 4, (10, 5, 3, False)),
    ],
)
def test_a_profile_is_the_stricter_of_agreement_floor_and_preset(
    name: str, minimum: int, base: int, found: tuple[int, int, int, bool]
) -> None:
    made = profile(minimum, base, profile=name)
    assert (made.minimum_cell_count, made.rounding_base, made.noise_bound, made.is_exact) == found
    assert made.method.split(" ")[0] == name
    assert made.settings()["specification_version"] == "1.0"
    changed = made.minimum_changed_households
    terms = DisclosureTerms()
    assert changed == (
        terms.minimum_changed_households_exact if made.is_exact else terms.minimum_changed_households
    )


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(Refused, match="PROFILE_UNKNOWN"):
        profile(profile="none")


@pytest.mark.parametrize(
    ("minimum", "base", "noise", "is_taken"),
    [(10, 5, 3, True), (9, 5, 3, False), (10, 4, 3, False), (10, 1, 0, True), (9, 1, 0, False)],
)
def test_no_profile_goes_below_the_floor(
    make_profile: Callable[..., Any], minimum: int, base: int, noise: int, is_taken: bool
) -> None:
    changes = {"minimum_cell_count": minimum, "rounding_base": base, "noise_bound": noise}
    if is_taken:
        assert make_profile(**changes).is_exact == (noise == 0)
        return
    with pytest.raises(Refused, match="PROFILE_BELOW_FLOOR"):
        make_profile(**changes)


@pytest.mark.parametrize("month", range(1, 13))
def test_each_month_is_in_its_quarter(month: int) -> None:
    day = date(2026, month, 1)
    assert epoch_of(day, "quarter") == f"2026-Q{[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4][month - 1]}"
    assert epoch_of(day, "month") == f"2026-{month:02d}"
    assert epoch_of(date(99, month, 1), "year") == "0099"


def test_an_epoch_of_no_known_length_is_a_defect() -> None:
    with pytest.raises(ValueError, match="week"):
        epoch_of(date(2026, 1, 1), "week")


@pytest.mark.parametrize(
    ("correction", "epoch"),
    [
        (None, "2026-Q1"),
        (Correction("2026-Q1", 3, "x"), "2026-Q1-correction-03"),
        (Correction("2025-Q4", 3, "x"), "2026-Q1"),
        (Correction("2026-Q2", 3, "x"), "2026-Q1"),
    ],
)
def test_only_a_correction_of_the_epoch_in_course_names_it_anew(
    correction: Correction | None, epoch: str
) -> None:
    project = SimpleNamespace(reference_date=date(2026, 3, 31), correction=correction)
    assert epoch_of_project(project, "quarter") == epoch  # type: ignore[arg-type]
