"""AWS KMS: the root is one code that GenerateMac computes with a key that KMS never exports (extra `aws`).

[keys]
provider = "aws-kms"
name = "alias/hearth-linkage"      # an HMAC_256 key
region = "eu-west-2"
path = "keys/linkage.state"        # the key's state; the key itself is in KMS

Credentials are those of the AWS SDK's own chain.
"""

from dataclasses import dataclass

from governance.errors import Fault
from governance.keys.providers.vault_transit import root_message
from governance.keys.pseudonyms.derivation import KEY_BYTES, KeyContext


@dataclass(frozen=True)
class AwsKms:
    """An HMAC_256 key in KMS. endpoint: a private endpoint or a test double; None for AWS's own."""

    name: str
    region: str
    endpoint: str | None = None

    def root_of(self, context: KeyContext) -> bytes:
        """Request the root of a context from KMS; raises Fault if KMS refuses or cannot be reached."""
        try:
            import boto3
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise Fault(
                "KEY_PROVIDER_MISSING",
                "The aws-kms provider needs the package boto3, which is not installed.",
                "Install Hearth with its extra `aws`.",
            ) from None
        try:
            client = boto3.client("kms", region_name=self.region, endpoint_url=self.endpoint)
            answer = client.generate_mac(
                KeyId=self.name, MacAlgorithm="HMAC_SHA_256", Message=root_message(context)
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            missing = code in ("NotFoundException", "DisabledException", "KMSInvalidStateException")
            raise Fault(
                "KEY_MISSING" if missing else "KEY_KMS_DENIED",
                f"AWS KMS refused to compute the key ({code}).",
                "Check `name` under [keys] in hearth.toml, and the key's state and policy in KMS.",
            ) from None
        except BotoCoreError as error:
            raise Fault(
                "KEY_KMS_UNREACHABLE",
                f"AWS KMS could not be reached ({type(error).__name__}).",
                "Check the network, `region` under [keys] in hearth.toml, and the credentials of the AWS "
                "SDK.",
            ) from None
        root = bytes(answer["Mac"])
        if len(root) != KEY_BYTES:
            raise Fault(
                "KEY_KMS_ANSWER",
                f"AWS KMS returned {8 * len(root)} bits instead of {8 * KEY_BYTES}.",
                "Set `name` under [keys] in hearth.toml to an HMAC_256 key.",
            )
        return root
