"""Roles, permissions, API keys and impersonation: who may do what, as administrators and members shape it."""
