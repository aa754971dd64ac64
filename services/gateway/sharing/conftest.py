"""A gateway in which people can register."""

from services.gateway.accounts.conftest import people

__all__ = ["people"]
