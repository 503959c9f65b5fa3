"""Calling other services, and none within."""

from adapters.webhooks.addresses import GuardedTargets, Resolver, SystemResolver
from adapters.webhooks.late import LateWebhookSender

__all__ = ["GuardedTargets", "LateWebhookSender", "Resolver", "SystemResolver"]
