"""`hearth keys`: make, compare, rotate, retire and destroy keys. Each action is recorded in the audit log."""

import getpass
import json
import secrets
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.commands.argument_types import a_check_value, a_day
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from flows.commands.printing import print_result
from governance.errors import Refused

if TYPE_CHECKING:
    from flows.actions.key_custodian import KeyCustodian
    from governance.keys.providers.provider import KeyDescription

Layer = Literal["inner", "outer"]
LayerOption = Annotated[
    Layer,
    typer.Option(help="inner: the controllers' linkage key. outer: the key of the linkage environment."),
]

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Manage keys. Key material is never printed.",
)

NEW_EXAMPLES = """
Examples:

    hearth keys new                                      # the linkage key, at the first controller

    hearth keys new --layer outer                        # the outer key, in the linkage environment

    hearth keys new --record-key                         # once, in the linkage environment

    hearth keys new --signing keys/council.pem           # signs a controller's packages

    hearth keys new --identity keys/linkage.identity     # opens packages; prints its public key
"""

CHECK_EXAMPLES = """
Examples:

    hearth keys check-value

    hearth keys check-value --compare VALUE

Both controllers run both commands; VALUE is the UPRN value that the other controller reads out.
"""

ROTATE_EXAMPLES = """
Examples:

    hearth keys rotate --layer outer --key operator.pem        # in the linkage environment

    hearth keys rotate --layer inner --key key-holder.pem      # at one controller
"""

DESTROY_EXAMPLES = """
Example:

    hearth keys retire --version 1 --key key-holder.pem

    hearth keys destroy --version 1 --witness "Ann Lee" --key key-holder.pem
"""


ActorKeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="Your own key (PEM), as a key-holder; as an operator for the outer key."),
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
            help="Last day of use; the last day of the agreement if left out.",
            parser=a_day,
            metavar="YYYY-MM-DD",
        ),
    ] = None,
    signing: Annotated[Path | None, typer.Option(help="Instead, make a signing key in this file.")] = None,
    identity: Annotated[
        Path | None, typer.Option(help="Instead, make a transfer identity in this file.")
    ] = None,
    record_key: Annotated[
        bool,
        typer.Option("--record-key", help="Instead, make the secret for the noise of disclosure control."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key with the operating system's random generator, and store it sealed in a file of mode 0600.

    A new linkage key is pending: it cannot be used until both controllers have compared its check value.
    """
    custodian = custodian_of(config, workspace)
    with custodian.recording("new") as record:
        if signing or identity or record_key:
            made = (
                _new_record_key(custodian) if record_key else _new_transfer_key(custodian, signing, identity)
            )
            record.update(made)
            print_result(made, as_json)
            return
        from governance.keys.states import KeyState

        store = custodian.key_store(layer)
        if not custodian.is_demo(layer):
            compared = layer == "inner" and custodian.project.custody != "single-operator"
            store.create(
                KeyState.PENDING if compared else KeyState.ACTIVE,
                custodian.use.today,
                expires or custodian.agreement_expires,
            )
        key = store.open()
        shown = _described(key.description) | {"check_value": key.check_value("uprn")}
        record.update(_for_the_log(shown))
        print_result(shown, as_json)


@app.command("list", epilog="Example:\n\n    hearth keys list --config hearth.toml")
def list_keys(
    config: ConfigOption = Path("hearth.toml"), workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List the keys of this environment with their states, and the certificates of destroyed keys."""
    from governance.keys.destruction import CERTIFICATES
    from governance.keys.providers.sealed_file import read_sealed_key

    custodian = custodian_of(config, workspace)
    rows: list[dict[str, Any]] = []
    for layer in custodian.layers():
        store = custodian.key_store(layer)
        for path in store.files():
            key = custodian.open(layer).description if store.remote else read_sealed_key(path).description
            rows.append({"layer": layer, **_described(key)})
        for path in sorted((store.path.parent / CERTIFICATES).glob("*.json")):
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


@app.command("check-value", epilog=CHECK_EXAMPLES)
def check_value(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "inner",
    compare: Annotated[
        str | None,
        typer.Option(
            help="The other controller's UPRN check value. If it is equal, the key becomes active.",
            parser=a_check_value,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a key's check values, or compare one with the other controller's and activate the key.

    Check values are safe to read out over the telephone. Exit code 2 if the values differ: then the two
    controllers have different keys.
    """
    from governance.keys.states import KeyState
    from pipeline.pseudonymise.tables import IDENTIFIERS

    custodian = custodian_of(config, workspace)
    store = custodian.key_store(layer)
    key = custodian.open(layer)
    values = {kind: key.check_value(kind) for kind in IDENTIFIERS}
    if compare is not None:
        with custodian.recording("compare") as record:
            record.update(_for_the_log({"key_id": key.description.key_id, "check_value": values["uprn"]}))
            if compare != values["uprn"]:
                raise Refused(
                    "CHECK_VALUES_DIFFER",
                    f"The value given with --compare is not that of key {key.description.key_id}, so the two "
                    "controllers have different keys.",
                    "Find out which key file is wrong and copy the right one again; then repeat "
                    "`hearth keys check-value --compare VALUE` at both controllers.",
                )
            if key.description.state is KeyState.PENDING:
                store.change_state(KeyState.ACTIVE)
                key = store.open()
            record["state"] = str(key.description.state)
    print_result(_described(key.description) | {"check_values": values}, as_json)


@app.command(epilog=ROTATE_EXAMPLES)
def rotate(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "outer",
    key: ActorKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace a key with a new one.

    Rotating the outer key needs no identifiers: the noise of disclosure control is carried over with the
    packages already received. After rotating the inner key, both controllers compare check values again,
    run `hearth keys rekey` to carry the noise over, and send new packages. If the command is interrupted,
    run it again: it completes the same rotation.
    """
    from governance.keys.providers.file_key import change_state
    from governance.keys.rotation import finish_rotation, rotate_key
    from governance.keys.states import KeyState

    custodian = custodian_of(config, workspace)
    compared = layer == "inner" and custodian.project.custody != "single-operator"
    with custodian.recording("rotate", layer, key) as record:
        store = custodian.key_store(layer)
        rotated = rotate_key(
            store,
            state=KeyState.PENDING if compared else KeyState.ACTIVE,
            today=custodian.use.today,
            expires=custodian.agreement_expires,
        )
        old = rotated.old
        if layer == "outer":
            from flows.actions.rekeying import carry_over_outer

            record["record_keys"] = carry_over_outer(custodian.project, store, old.context.version)
            if old.state is not KeyState.RETIRED:
                old = change_state(
                    store.of_version(old.context.version), store.passphrase.read(), KeyState.RETIRED
                )
        shown = {"old": _described(old), "new": _described(rotated.new)}
        if rotated.completed:
            record["completed_rotation"] = True
        record.update({f"{which}_{k}": v for which, key in shown.items() for k, v in key.items()})
    finish_rotation(store)
    print_result(shown, as_json)


@app.command(epilog=DESTROY_EXAMPLES)
def retire(
    version: Annotated[int, typer.Option(help="Version number of the key.", min=1)],
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "inner",
    key: ActorKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retire a key for good: it can no longer make pseudonyms or join data."""
    from governance.keys.providers.file_key import change_state
    from governance.keys.states import KeyState

    custodian = custodian_of(config, workspace)
    with custodian.recording("retire", layer, key) as record:
        store = custodian.key_store(layer)
        if store.remote is not None:
            retired = store.retire(version)
        else:
            retired = change_state(*custodian.version(layer, version), KeyState.RETIRED)
        shown = _described(retired)
        record.update(shown)
        print_result(shown, as_json)


@app.command(epilog=DESTROY_EXAMPLES)
def destroy(
    version: Annotated[int, typer.Option(help="Version number of the key.", min=1)],
    witness: Annotated[str, typer.Option(help="Name of the second person present.")],
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    layer: LayerOption = "inner",
    key: ActorKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a retired key and write a signed certificate. A copy from a backup is refused later."""
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
        print_result(shown, as_json)


def custodian_of(config: Path, workspace: Path | None) -> "KeyCustodian":
    """Return the custodian of this environment's keys."""
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
    assert identity is not None  # noqa: S101  (one of the two is given)
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
