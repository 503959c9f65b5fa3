"""Whoever takes the money."""

from adapters.payments.sandbox import SandboxGateway

__all__ = ["SandboxGateway"]
