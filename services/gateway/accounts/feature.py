"""Accounts, as the gateway registers them."""

from services.gateway.accounts.tables import addresses, tokens, users
from services.gateway.kernel.record import Feature

ACCOUNTS = Feature(name="accounts", tables=(users, addresses, tokens))
