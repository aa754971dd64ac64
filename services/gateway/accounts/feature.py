"""Accounts, as the gateway registers them."""

from services.gateway.accounts.tables import tokens, users
from services.gateway.kernel.record import Feature

ACCOUNTS = Feature(name="accounts", tables=(tokens, users))
