"""AWS KMS: the root is one code that GenerateMac computes under a key it never exports (extra `aws`).

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
    """An HMAC_256 key in KMS. endpoint: of a private endpoint or a stand-in; None for AWS's own."""

    name: str
    region: str
    endpoint: str | None = None

    def root_of(self, context: KeyContext) -> bytes:
        """Ask KMS once for the root of a context; raises Fault when it does not answer as agreed."""
        try:
            import boto3
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise Fault(
                "KEY_PROVIDER_MISSING", "AWS KMS needs boto3.", "Install Hearth with its extra `aws`."
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
                f"KMS refused GenerateMac ({code}).",
                "Check the key's name, state and policy.",
            ) from None
        except BotoCoreError as error:
            raise Fault(
                "KEY_KMS_UNREACHABLE",
                f"KMS could not be asked ({type(error).__name__}).",
                "Check network, region and credentials.",
            ) from None
        root = bytes(answer["Mac"])
        if len(root) != KEY_BYTES:
            raise Fault("KEY_KMS_ANSWER", "KMS's answer is not 256 bits.", "Name an HMAC_256 key.")
        return root
