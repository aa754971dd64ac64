"""The features of the gateway, in the order of their layers: each knows only those below it."""

from services.gateway.accounts.feature import ACCOUNTS
from services.gateway.audio.feature import AUDIO
from services.gateway.documents.feature import DOCUMENTS
from services.gateway.http.idempotency.feature import IDEMPOTENCY
from services.gateway.narrations.feature import NARRATIONS
from services.gateway.sharing.feature import SHARING
from services.gateway.watching.feature import WATCHING

FEATURES = (WATCHING, NARRATIONS, AUDIO, DOCUMENTS, SHARING, ACCOUNTS, IDEMPOTENCY)
