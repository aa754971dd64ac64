"""Logging in with another site, and linking one: how it begins, and how it ends."""

from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.accounts.callers import digest_of
from services.gateway.accounts.identities.directory import (
    IdentityProvider,
    ProviderDirectory,
)
from services.gateway.accounts.identities.login_flows import (
    LoginFlow,
    NewFlow,
    add_flow,
    check_flow,
    checked_path,
    take_flow,
)
from services.gateway.accounts.identities.oauth_steps import (
    AuthorizationRequest,
    AuthorizationResponse,
)
from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.identities.provider_requests import provider_requests
from services.gateway.accounts.identities.refusals import BadAnswer, LoginRefused
from services.gateway.accounts.identities.settling import IdentitySettling, Settled
from services.gateway.accounts.signing_in.login_sessions import (
    NewSession,
    begin_session,
    end_session_of,
    open_session,
)
from services.gateway.kernel.record import CommandTransaction, Kernel

log = structlog.get_logger(__name__)

PAGES = "/login"


@dataclass(frozen=True, kw_only=True)
class BegunLogin:
    """Where somebody is sent, and what their browser keeps until they come back."""

    url: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ReturnedBrowser:
    """What somebody comes back with, as their browser says; ``session`` is that of before."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    issuer: str | None
    is_declined: bool
    flow: str | None = field(repr=False)
    session: str | None = field(repr=False)
    agent: str


@dataclass(frozen=True, kw_only=True)
class EndedLogin:
    """Who came back, and where they go; without a session if they have the one of before."""

    user_id: UUID
    session: NewSession | None
    return_path: str | None


@dataclass(frozen=True)
class ProviderLogins:
    """Those of one process."""

    kernel: Kernel
    directory: ProviderDirectory

    async def begin(
        self,
        name: str,
        return_path: str | None,
        *,
        linking: UUID | None = None,
        remembered: bool = False,
    ) -> BegunLogin:
        """Begin a login, or the linking of an identity; return where to send the browser.

        A ``return_path`` that is none of ours is left out.

        Raises:
            NotFound: There is no such provider.
            BadAnswer: The provider says nothing that can be used.
            Throttled: Too many logins are under way.
        """
        known = self.directory.named(name)
        new = NewFlow(
            issuer=known.provider.identifier,
            user_id=linking,
            is_remembered=remembered,
            return_path=checked_path(return_path),
        )
        asked = AuthorizationRequest(
            state=new.state,
            code_verifier=new.code_verifier,
            nonce=new.nonce,
            redirect_uri=self._redirect_uri(name),
        )
        try:
            async with provider_requests() as requests:
                url = await known.address(requests, asked)
        except BadAnswer as error:
            _note(name, error)
            raise
        async with self.kernel.transaction() as command:
            await add_flow(command.connection, new)
        return BegunLogin(url=url, browser=new.browser)

    async def finish(self, name: str, returned: ReturnedBrowser) -> EndedLogin:
        """End a login: whoever came back has a session, or has linked an identity.

        Raises:
            NotFound: There is no such provider.
            LoginRefused: They are not let in.
        """
        known = self.directory.named(name)
        async with self.kernel.transaction() as command:
            taken = await take_flow(command.connection, returned.state)
        flow = check_flow(taken, known.provider.identifier, returned.flow)
        if returned.is_declined or not returned.code:
            raise LoginRefused("declined")
        try:
            proven = await self._proven(known, flow, returned)
        except BadAnswer as error:
            _note(name, error)
            raise

        async def come_in(command: CommandTransaction, settled: Settled) -> EndedLogin:
            session = await _session(command.connection, flow, returned, settled.user_id)
            return EndedLogin(
                user_id=settled.user_id, session=session, return_path=flow.return_path
            )

        return await IdentitySettling(self.kernel).settle(proven, flow.user_id, come_in)

    async def _proven(
        self, known: IdentityProvider, flow: LoginFlow, returned: ReturnedBrowser
    ) -> ProvenIdentity:
        response = AuthorizationResponse(
            code=returned.code,
            issuer=returned.issuer,
            code_verifier=flow.code_verifier,
            nonce=flow.nonce,
            redirect_uri=self._redirect_uri(known.provider.name),
        )
        async with provider_requests() as requests:
            return await known.prove(requests, response)

    def _redirect_uri(self, name: str) -> str:
        return f"{self.kernel.accounts.public_url}{PAGES}/{name}/callback"


async def _session(
    connection: AsyncConnection, flow: LoginFlow, returned: ReturnedBrowser, user_id: UUID
) -> NewSession | None:
    """Begin a session in place of the one of before; who links an identity keeps theirs.

    Raises:
        LoginRefused: Who wanted to link an identity is not logged in any more.
    """
    if flow.user_id is not None:
        digest = digest_of(returned.session or "")
        found = await open_session(connection, digest)
        if found is None or found.user_id != flow.user_id:
            raise LoginRefused("no_session")
        return None
    if returned.session is not None:
        await end_session_of(connection, returned.session)
    return await begin_session(connection, user_id, returned.agent, remembered=flow.is_remembered)


def _note(name: str, error: BadAnswer) -> None:
    log.warning("a login with another site failed", provider=name, why=error.why)
