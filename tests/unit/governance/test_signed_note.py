"""C2SP signed-note and tlog-cosignature: the published example, and what must not verify."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.audit.note import NoteSigner, checkpoint_text
from governance.audit.verify import (
    COSIGNATURE,
    Checkpoint,
    cosigned_at,
    read_checkpoint,
    read_note,
    read_verifier_key,
)

# golang.org/x/mod/sumdb/note, on which C2SP signed-note rests.
TEXT = (
    b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
SIGNER_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
VERIFIER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNATURE = (
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def neumann() -> NoteSigner:
    secret = base64.b64decode(SIGNER_KEY.split("+", 4)[4])
    return NoteSigner("PeterNeumann", Ed25519PrivateKey.from_private_bytes(secret[1:]))


def test_the_published_note_is_signed_as_published() -> None:
    assert neumann().verifier_key() == VERIFIER_KEY
    assert neumann().sign(TEXT).decode() == SIGNATURE


def test_the_published_note_verifies_under_the_published_key() -> None:
    note = read_note(TEXT + b"\n" + SIGNATURE.encode())
    assert note.signed_by(read_verifier_key(VERIFIER_KEY))


def test_one_changed_letter_does_not_verify() -> None:
    note = read_note(TEXT.replace(b"problem is", b"problem Is") + b"\n" + SIGNATURE.encode())
    assert not note.signed_by(read_verifier_key(VERIFIER_KEY))


def test_a_signature_under_another_name_does_not_count() -> None:
    note = read_note(TEXT + b"\n" + SIGNATURE.replace("PeterNeumann", "Somebody").encode())
    assert not note.signed_by(read_verifier_key(VERIFIER_KEY))


def test_a_verifier_key_whose_hash_is_not_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="hash"):
        read_verifier_key(VERIFIER_KEY.replace("c74f20a3", "c74f20a4"))


@pytest.mark.parametrize(
    "data",
    [
        b"text without signatures\n",
        TEXT + b"\n" + SIGNATURE.encode().rstrip(b"\n"),
        TEXT + b"\n" + SIGNATURE.replace("— ", "- ").encode(),
        TEXT.replace(b"you", b"y\x00u") + b"\n" + SIGNATURE.encode(),
        TEXT + b"\n" + "— PeterNeumann !!!!\n".encode(),
        b"\xff\n\n" + SIGNATURE.encode(),
    ],
)
def test_a_malformed_note_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="note"):
        read_note(data)


def test_a_witness_signs_the_checkpoint_together_with_the_time() -> None:
    witness = NoteSigner("icb-ig-office", Ed25519PrivateKey.generate())
    text = checkpoint_text(Checkpoint("hearth/test", 3, bytes(32)))
    note = read_note(text + b"\n" + witness.cosign(text, 1_700_000_000))
    key = read_verifier_key(witness.verifier_key(COSIGNATURE))
    signature = note.signature_of(key)
    assert signature is not None
    assert cosigned_at(signature) == 1_700_000_000
    moved = text + b"\n" + witness.cosign(text, 1_700_000_001)
    assert read_note(moved).signatures[0][2][8:] != signature[8:]
    assert not note.signed_by(read_verifier_key(witness.verifier_key()))


def test_a_checkpoint_reads_back_as_it_was_written() -> None:
    checkpoint = Checkpoint("hearth/test", 12, bytes(range(32)))
    note = read_note(checkpoint_text(checkpoint) + b"\n" + neumann().sign(b"x"))
    assert read_checkpoint(note) == checkpoint


@pytest.mark.parametrize("size", ["-1", "01", "1e3", "", "99999999999999999"])
def test_a_checkpoint_with_another_kind_of_number_is_refused(size: str) -> None:
    text = f"hearth/test\n{size}\n{base64.b64encode(bytes(32)).decode()}\n".encode()
    with pytest.raises(ValueError, match="checkpoint"):
        read_checkpoint(read_note(text + b"\n" + neumann().sign(text)))
