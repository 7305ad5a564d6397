"""RFC 6962 and 9162: the reference roots and proofs, and both against a plain reference."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.merkle import consistency_proof, inclusion_proof
from governance.audit.verify import (
    consistency_holds,
    inclusion_holds,
    leaf_hash,
    prefix_roots,
    tree_root,
)

# The leaves and roots of the Certificate Transparency reference tests (transparency-dev/merkle).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def test_the_roots_are_those_of_the_reference_tests() -> None:
    assert [root.hex() for root in prefix_roots(HASHES)] == ROOTS


# (leaf counted from 0, tree size) -> audit path, from the reference tests.
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@pytest.mark.parametrize(("place", "path"), INCLUSION.items())
def test_inclusion_proofs_are_those_of_the_reference_tests(place: tuple[int, int], path: list[str]) -> None:
    index, size = place
    assert [step.hex() for step in inclusion_proof(HASHES[:size], index)] == path


# (old size, new size) -> proof, from the reference tests.
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@pytest.mark.parametrize(("sizes", "proof"), CONSISTENCY.items())
def test_consistency_proofs_are_those_of_the_reference_tests(
    sizes: tuple[int, int], proof: list[str]
) -> None:
    old, new = sizes
    assert [step.hex() for step in consistency_proof(HASHES[:new], old)] == proof


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    pair = plain_root(leaves[:split]) + plain_root(leaves[split:])
    return hashlib.sha256(b"\x01" + pair).digest()


def grown(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


@given(size=st.integers(0, 70))
def test_the_streamed_root_is_the_recursive_one(size: int) -> None:
    assert tree_root(grown(size)) == plain_root(grown(size))


@given(data=st.data(), size=st.integers(1, 70))
def test_every_line_proves_its_place_and_no_other_line_does(data: st.DataObject, size: int) -> None:
    leaves = grown(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    root = tree_root(leaves)
    assert inclusion_holds(leaves[index], index, size, proof, root)
    assert not inclusion_holds(leaf_hash(b"another"), index, size, proof, root)
    assert not inclusion_holds(leaves[index], index, size, [*proof, root], root)
    if size > 1:
        assert not inclusion_holds(leaves[index], (index + 1) % size, size, proof, root)
        assert not inclusion_holds(leaves[index], index, size, proof[:-1], root)


@given(data=st.data(), size=st.integers(1, 70))
def test_a_grown_tree_proves_its_beginning_and_a_rewritten_one_cannot(data: st.DataObject, size: int) -> None:
    leaves = grown(size)
    old = data.draw(st.integers(1, size))
    proof = consistency_proof(leaves, old)
    old_root, root = tree_root(leaves[:old]), tree_root(leaves)
    assert consistency_holds(old, old_root, size, root, proof)
    rewritten = [leaf_hash(b"edited"), *leaves[1:]]
    assert not consistency_holds(old, tree_root(rewritten[:old]), size, root, proof)
    assert not consistency_holds(old, old_root, size, tree_root(rewritten), consistency_proof(rewritten, old))
