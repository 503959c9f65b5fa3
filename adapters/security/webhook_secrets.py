"""The secrets of webhooks: derived, and stored nowhere."""

import base64
import hmac
import secrets
from uuid import UUID

from adapters.security.secrets import Keychain
from application.webhooks.ports import WebhookSecrets
from domain.webhooks.signature import PREFIX
from domain.webhooks.webhook import SecretSeed


class HmacWebhookSecrets(WebhookSecrets):
    """`whsec_` and the base64 of HMAC-SHA-256 over the seed and the webhook's id, under a key derived from the
    installation's secret: neither the database nor that secret alone is enough to sign."""

    def __init__(self, keys: Keychain) -> None:
        self._keys = keys

    def new_seed(self) -> SecretSeed:
        return SecretSeed(self._keys.current.id, secrets.token_bytes(32))

    def secret(self, webhook_id: UUID, seed: SecretSeed) -> str | None:
        subkey = self._keys.by_id.get(seed.secret_id)
        if subkey is None:
            return None
        return PREFIX + base64.b64encode(hmac.digest(subkey.key, seed.seed + webhook_id.bytes, "sha256")).decode()
