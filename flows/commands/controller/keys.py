"""`hearth keys`: make, compare, rotate, retire and destroy keys; every act is in the audit log."""

import getpass
import json
import secrets
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.commands.argument_types import a_check_value, a_day
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.errors import Refused

if TYPE_CHECKING:
    from flows.actions.key_custodian import KeyCustodian
    from governance.keys.providers.provider import KeyDescription

Layer = Literal["inner", "outer"]
LayerOption = Annotated[
    Layer, typer.Option(help="inner: the controllers' linkage key. outer: the linkage environment's.")
]

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Keys in custody: none of these commands ever prints one.",
)

NEW_EXAMPLES = """
Examples:

    hearth keys new --config hearth.toml                     (the linkage key, at the first controller)

    hearth keys new --layer outer                            (in the linkage environment)

    hearth keys new --record-key                             (in the linkage environment, once)

    hearth keys new --signing keys/council.pem               (a controller's signing key)

    hearth keys new --identity keys/linkage.identity         (what opens packages; prints its public key)
"""


ActorKeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="Your own key (PEM): a key-holder's, for the outer key an operator's."),
]


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    from flows.commands.controller import rekey

    rekey.add_to(app)
    parent.add_typer(app)


@app.command(epilog=NEW_EXAMPLES)
def new(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "inner",
    expires: Annotated[
        date | None,
        typer.Option(
            help="Last day of use; the agreement's when left out.", parser=a_day, metavar="YYYY-MM-DD"
        ),
    ] = None,
    signing: Annotated[Path | None, typer.Option(help="Make a signing key there instead.")] = None,
    identity: Annotated[Path | None, typer.Option(help="Make a transfer identity there instead.")] = None,
    record_key: Annotated[
        bool, typer.Option("--record-key", help="Make the secret of disclosure control's noise instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key from the operating system's generator and seal it into a file of mode 0600.

    A linkage key begins as pending: it makes no pseudonyms until its check value was compared.
    """
    custodian = custodian_of(config, workspace)
    with custodian.recording("new") as record:
        if signing or identity or record_key:
            made = (
                _new_record_key(custodian) if record_key else _new_transfer_key(custodian, signing, identity)
            )
            record.update(made)
            tell(made, as_json)
            return
        from governance.keys.states import KeyState

        place = custodian.place(layer)
        if not custodian.is_demo(layer):
            compared = layer == "inner" and custodian.project.custody != "single-operator"
            place.create(
                KeyState.PENDING if compared else KeyState.ACTIVE,
                custodian.use.today,
                expires or custodian.agreement_expires,
            )
        key = place.open()
        shown = _described(key.description) | {"check_value": key.check_value("uprn")}
        record.update(_for_the_log(shown))
        tell(shown, as_json)


@app.command("list")
def list_keys(
    config: ConfigOption = Path("hearth.toml"), workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List every key of this place with its state, and the certificates of those destroyed."""
    from governance.keys.destruction import CERTIFICATES
    from governance.keys.providers.sealed_file import read_sealed_key

    custodian = custodian_of(config, workspace)
    rows: list[dict[str, Any]] = []
    for layer in custodian.layers():
        place = custodian.place(layer)
        for path in place.files():
            key = place.open().description if place.remote else read_sealed_key(path).description
            rows.append({"layer": layer, **_described(key)})
        for path in sorted((place.path.parent / CERTIFICATES).glob("*.json")):
            content = json.loads(path.read_bytes())["content"]
            row = {
                "layer": layer,
                "key_id": content["key_id"],
                "state": "destroyed",
                "certificate": path.name,
            }
            if row not in rows and not content["key_id"].startswith("run:"):
                rows.append(row)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo("  ".join(f"{name}: {value}" for name, value in row.items() if value is not None))


@app.command("check-value")
def check_value(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "inner",
    compare: Annotated[
        str | None,
        typer.Option(
            help="The other controller's UPRN check value; when equal, activates the key.",
            parser=a_check_value,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the check values, which may be read out on the telephone; compare and activate.

    Exit code 2 when the other controller's value differs: then the two hold different keys.
    """
    from governance.keys.states import KeyState
    from pipeline.pseudonymise.tables import IDENTIFIERS

    custodian = custodian_of(config, workspace)
    place = custodian.place(layer)
    key = place.open()
    values = {kind: key.check_value(kind) for kind in IDENTIFIERS}
    if compare is not None:
        with custodian.recording("compare") as record:
            record.update(_for_the_log({"key_id": key.description.key_id, "check_value": values["uprn"]}))
            if compare != values["uprn"]:
                raise Refused(
                    "CHECK_VALUES_DIFFER",
                    f"The other check value is not that of key {key.description.key_id} here.",
                    "Compare the key files' origin; one of the two controllers holds another key.",
                )
            if key.description.state is KeyState.PENDING:
                place.change_state(KeyState.ACTIVE)
                key = place.open()
            record["state"] = str(key.description.state)
    tell(_described(key.description) | {"check_values": values}, as_json)


@app.command()
def rotate(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "outer",
    key: ActorKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a key of a new root in the current one's place.

    The outer layer's touches no identifier: what follows from pseudonyms is carried over from the
    packages that are held, whose pseudonyms are the inner ones. After the inner one's, both
    controllers compare check values again and send new packages; `hearth keys rekey` carries over.
    """
    from governance.keys.providers.file_key import change_state
    from governance.keys.rotation import rotate_key
    from governance.keys.states import KeyState

    custodian = custodian_of(config, workspace)
    compared = layer == "inner" and custodian.project.custody != "single-operator"
    with custodian.recording("rotate", layer, key) as record:
        place = custodian.place(layer)
        rotated = rotate_key(
            place,
            state=KeyState.PENDING if compared else KeyState.ACTIVE,
            today=custodian.use.today,
            expires=custodian.agreement_expires,
        )
        old = rotated.old
        if layer == "outer":
            from flows.actions.rekeying import carry_over_outer

            record["record_keys"] = carry_over_outer(custodian.project, place, old.context.version)
            old = change_state(
                place.of_version(old.context.version), place.passphrase.read(), KeyState.RETIRED
            )
        shown = {"old": _described(old), "new": _described(rotated.new)}
        record.update({f"{which}_{k}": v for which, key in shown.items() for k, v in key.items()})
        tell(shown, as_json)


@app.command()
def retire(
    version: Annotated[int, typer.Option(help="Which version.", min=1)],
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "inner",
    key: ActorKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a key out of service for good: nothing is made or joined under it any more."""
    from governance.keys.providers.file_key import change_state
    from governance.keys.states import KeyState

    custodian = custodian_of(config, workspace)
    with custodian.recording("retire", layer, key) as record:
        place = custodian.place(layer)
        if place.remote is not None:
            retired = place.retire(version)
        else:
            retired = change_state(*custodian.version(layer, version), KeyState.RETIRED)
        shown = _described(retired)
        record.update(shown)
        tell(shown, as_json)


@app.command()
def destroy(
    version: Annotated[int, typer.Option(help="Which version.", min=1)],
    witness: Annotated[str, typer.Option(help="The second person present, by name.")],
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "inner",
    key: ActorKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a retired key and write a signed certificate; the same key is refused if it ever returns."""
    from governance.audit.signer import KEY_NAME, read_signing_key
    from governance.canonical import digest_of_file
    from governance.keys.destruction import destroy_key

    custodian = custodian_of(config, workspace)
    with custodian.recording("destroy", layer, key) as record:
        path, passphrase = custodian.version(layer, version)
        certificate = destroy_key(
            path,
            passphrase,
            witness=witness,
            actor=getpass.getuser(),
            signing_key=read_signing_key(custodian.use.workspace_keys / KEY_NAME),
        )
        shown = {
            **json.loads(certificate.read_bytes())["content"],
            "certificate": certificate.name,
            "certificate_sha256": digest_of_file(certificate),
        }
        record.update({k: shown[k] for k in ("key_id", "witness", "certificate_sha256")})
        tell(shown, as_json)


def custodian_of(config: Path, workspace: Path | None) -> "KeyCustodian":
    """Return the custodian of this place's keys."""
    from flows.actions.key_custodian import KeyCustodian

    return KeyCustodian.of(config, workspace)


def _new_transfer_key(
    custodian: "KeyCustodian", signing: Path | None, identity: Path | None
) -> dict[str, Any]:
    from pipeline.transfer.identities import create_identity, create_signing_key
    from pipeline.transfer.settings import read_transfer_settings

    passphrase = read_transfer_settings(custodian.project).read_passphrase()
    if signing is not None:
        return {"what": "signing key", "public_key": create_signing_key(signing.absolute(), passphrase)}
    assert identity is not None  # noqa: S101  (one of the two was named)
    return {"what": "transfer identity", "public_key": create_identity(identity.absolute(), passphrase)}


def _new_record_key(custodian: "KeyCustodian") -> dict[str, Any]:
    from governance.keys.providers.sealed_file import write_private_file
    from pipeline.disclosure.noise.record_key import SECRET_BYTES, SECRET_FILE

    named = custodian.project.keys.get("record_key_file")
    path = (
        custodian.use.workspace_keys / SECRET_FILE
        if named is None
        else custodian.project.folder / Path(str(named)).expanduser()
    )
    write_private_file(path, secrets.token_hex(SECRET_BYTES).encode())
    return {"what": "record-key secret", "bits": 8 * SECRET_BYTES, "file": path.name}


def _described(key: "KeyDescription") -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "state": str(key.state),
        "provider": key.provider,
        "bits": key.bits,
        "created": key.created.isoformat(),
        "expires": key.expires.isoformat() if key.expires else None,
    }


def _for_the_log(shown: dict[str, Any]) -> dict[str, Any]:
    from governance.audit.evidence_filter import marked_check_value

    return {k: marked_check_value(v) if k == "check_value" else v for k, v in shown.items()}


def tell(shown: dict[str, Any], as_json: bool) -> None:
    """Print facts, a line each or as one line of JSON."""
    if as_json:
        typer.echo(json.dumps(shown, sort_keys=True))
        return
    for name, value in shown.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
            typer.echo(f"{name}: {inner}")
        elif value is not None:
            typer.echo(f"{name}: {value}")
