"""Accounts: who members are, how they sign in, and how they are administered."""
