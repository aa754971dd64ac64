"""The features of the gateway, in the order of their layers: each knows only those below it."""

from services.gateway.accounts.feature import ACCOUNTS
from services.gateway.audio.feature import AUDIO
from services.gateway.documents.feature import DOCUMENTS
from services.gateway.http.idempotency.feature import IDEMPOTENCY
from services.gateway.narrations.feature import NARRATIONS
from services.gateway.preferences.feature import PREFERENCES
from services.gateway.sharing.feature import SHARING
from services.gateway.staff.feature import STAFF
from services.gateway.usage.feature import USAGE
from services.gateway.watching.feature import WATCHING

FEATURES = (
    STAFF,
    USAGE,
    WATCHING,
    NARRATIONS,
    PREFERENCES,
    AUDIO,
    DOCUMENTS,
    SHARING,
    ACCOUNTS,
    IDEMPOTENCY,
)
