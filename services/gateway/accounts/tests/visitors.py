"""People who log in with other sites."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.gateway.accounts.identities.directory import provider_directory
from services.gateway.accounts.tests.people import ADA, People
from services.gateway.accounts.tests.provider_sites import (
    CLIENT_ID,
    CLIENT_SECRET,
    GitHubSite,
    OpenIdSite,
    authorize,
    served,
)
from services.gateway.tests.world import World, a_world

PERSON = {"email": ADA, "email_verified": True}


@dataclass
class Visitors:
    """A gateway, the three sites that it lets people log in with, and people."""

    people: People
    openid: OpenIdSite
    other: OpenIdSite
    github: GitHubSite

    @property
    def world(self) -> World:
        return self.people.world

    async def begin(self, browser: Any, name: str = "openid", **query: Any) -> str:
        """Go to a site, and return the path that it sends the browser back to."""
        answer = await browser.get(f"/login/{name}", params=query)
        assert answer.status_code == 303, answer.text
        return await authorize(answer.headers["location"])

    async def end(self, browser: Any, path: str) -> Any:
        """Come back from another site, as a browser does."""
        return await browser.get(
            path,
            headers={
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
            },
        )

    async def log_in(self, browser: Any, name: str = "openid", **query: Any) -> Any:
        return await self.end(browser, await self.begin(browser, name, **query))

    @property
    def known_sites(self) -> Any:
        """What the gateway knows of the sites."""
        app: Any = self.world.app.routes[0]
        return provider_directory(app.app, self.world.kernel.accounts)

    def forget_sites(self) -> None:
        """Have the gateway ask the sites anew what they are, as after a start."""
        app: Any = self.world.app.routes[0]
        if hasattr(app.app.state, "provider_directory"):
            del app.app.state.provider_directory

    async def whose(self, browser: Any) -> str | None:
        """The id of who is logged in with a browser."""
        answer = await browser.get("/api/v1/account")
        return answer.json()["user_id"] if answer.status_code == 200 else None


def _listed(**sites: Any) -> str:
    return json.dumps(
        [
            {
                "name": name,
                "kind": "github" if name == "github" else "oidc",
                "issuer": site.url,
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "label": name.title(),
            }
            for name, site in sites.items()
        ]
    )


@asynccontextmanager
async def visiting(
    folder: Path, database_url: str | None = None, **settings: Any
) -> AsyncIterator[Visitors]:
    """Sites, and a gateway that knows them; everybody may register unless settings say no."""
    openid, other = OpenIdSite(person=dict(PERSON)), OpenIdSite(subject="another")
    github = GitHubSite(emails=[{"email": ADA, "primary": True, "verified": True}])
    async with served(openid), served(other), served(github):
        chosen: dict[str, Any] = {
            "sign_up": "open",
            "public_url": "https://gateway",
            "login_providers": _listed(openid=openid, other=other, github=github),
        }
        async with a_world(folder, database_url, **(chosen | settings)) as world:
            yield Visitors(People(world), openid, other, github)
