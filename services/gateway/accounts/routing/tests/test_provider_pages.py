"""Logging in with other sites, as browsers do it, against sites that are really asked."""

import asyncio
import json
from itertools import product
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from sqlalchemy import select, update
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from structlog.testing import capture_logs

from libs.common.contracts.accounts import UserRegistered
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.identities import provider_requests
from services.gateway.accounts.tables import identities, login_flows, sessions, users
from services.gateway.accounts.tests.people import ADA, BEA
from services.gateway.accounts.tests.provider_sites import (
    CLIENT_SECRET,
    SECRET_WORDS,
    authorize,
    ec_key,
    rsa_key,
    signed_by_secret,
    unsigned,
)
from services.gateway.accounts.tests.visitors import PERSON, visiting

pytestmark = pytest.mark.slow


async def rows(visitors, table):
    async with visitors.world.database.reading() as connection:
        return (await connection.execute(select(table))).all()


async def refused(visitors, browser, status=502, name="openid"):
    """Log in, and be refused with a page that says nothing of what the other site said."""
    before = await rows(visitors, identities)
    answer = await visitors.log_in(browser, name)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert SECRET_WORDS not in answer.text
    assert await visitors.whose(browser) is None
    assert await rows(visitors, identities) == before
    return answer


async def test_somebody_new_has_an_account_and_comes_again_by_it(visitors):
    people = visitors.people
    async with people.browser() as browser, people.browser() as other:
        answer = await visitors.log_in(browser, next="/documents?sort=title")
        assert (answer.status_code, answer.headers["location"]) == (303, "/documents?sort=title")
        found = (await browser.get("/api/v1/account")).json()
        assert (found["address"], found["has_password"], found["is_staff"]) == (ADA, False, False)
        assert [told.user_id for told in await visitors.world.decided(UserRegistered)]
        visitors.openid.person = {"email": "moved@example.org", "email_verified": True}
        again = await visitors.log_in(other)
        assert (again.status_code, await visitors.whose(other)) == (200, found["user_id"])
        assert "You are logged in." in again.text
    assert len(await rows(visitors, users)) == len(await rows(visitors, identities)) == 1
    assert await rows(visitors, login_flows) == []


async def test_the_session_is_a_new_one_and_the_one_of_before_ends(visitors):
    async with visitors.people.browser() as browser:
        await visitors.log_in(browser)
        before = browser.cookies["__Host-lectern"]
        answer = await visitors.log_in(browser, remember="true")
        assert browser.cookies["__Host-lectern"] != before
        cookie = next(
            said for said in answer.headers.get_list("set-cookie") if "__Host-lectern=" in said
        )
        assert "Max-Age=2592000" in cookie
        assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
        assert "__Host-lectern-login" not in browser.cookies
    assert len(await rows(visitors, sessions)) == 1


async def test_an_account_is_linked_by_an_address_that_both_have_verified_and_is_told(visitors):
    people = visitors.people
    async with people.browser() as browser, people.browser() as other:
        ada = await people.make(browser)
        visitors.openid.person = {"email": ADA.lower(), "email_verified": "true"}
        assert (await visitors.log_in(other)).status_code == 200
        assert await visitors.whose(other) == str(ada)
        assert (await people.log_in(browser)).status_code == 204, "the password is as good"
    told = [(mail.kind, mail.address) for mail in await people.mails()]
    assert told[-1] == ("login_added", ADA)
    assert len(await visitors.world.decided(UserRegistered)) == 1


async def test_an_address_that_is_not_verified_finds_and_makes_nobody(visitors):
    async with visitors.people.browser() as browser:
        await visitors.people.make(browser)
        for address, verified in product((ADA, BEA), (False, None, "false", 1, "yes")):
            visitors.openid.person = {"email": address, "email_verified": verified}
            answer = await refused(visitors, browser, 403)
            assert "confirmed" in answer.text
    assert len(await rows(visitors, users)) == 1


async def test_an_address_that_can_be_taken_for_another_is_not_linked(visitors):
    async with visitors.people.browser() as browser:
        await visitors.people.make(browser, "ada@strasse.example")
        visitors.openid.person = {"email": "ada@straße.example", "email_verified": True}
        assert "another mailbox" not in (await refused(visitors, browser, 403)).text


async def test_who_got_an_address_after_somebody_else_does_not_come_in_for_them(visitors):
    async with visitors.people.browser() as first, visitors.people.browser() as second:
        await visitors.log_in(first)
        visitors.openid.subject = "whoever has the address now"
        await refused(visitors, second, 403)


@pytest.mark.parametrize("sign_up", ["closed", "invitation"])
async def test_nobody_new_comes_where_not_everybody_may(tmp_path, monkeypatch, sign_up):
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", "k" * 40)
    async with visiting(tmp_path, sign_up=sign_up) as visitors:
        async with visitors.people.browser() as browser:
            assert "invite you" in (await refused(visitors, browser, 403)).text
        assert await rows(visitors, users) == []


async def test_who_is_disabled_does_not_come_in(visitors):
    closing = AccountClosing(visitors.world.kernel)
    async with visitors.people.browser() as browser:
        await visitors.log_in(browser)
        (user,) = await rows(visitors, users)
        await closing.disable(user.user_id, None)
        await refused(visitors, browser, 403)
        await refused(visitors, browser, 403, "github")
        await closing.enable(user.user_id, None)
        assert (await visitors.log_in(browser)).status_code == 200


async def test_github_says_who_somebody_is_by_its_api(visitors):
    visitors.github.issuer_said = f"{visitors.github.url}/login/oauth"
    async with visitors.people.browser() as browser, visitors.people.browser() as other:
        assert (await visitors.log_in(browser, "github")).status_code == 200
        (identity,) = await rows(visitors, identities)
        assert identity.subject == "583231"
        visitors.github.emails = []
        assert (await visitors.log_in(other, "github")).status_code == 200
        assert await visitors.whose(other) == await visitors.whose(browser)


UNPROVEN: tuple[Any, ...] = (
    [],
    {"email": ADA, "primary": True, "verified": True},
    [{"email": ADA, "primary": True, "verified": False}],
    [{"email": ADA, "primary": False, "verified": True}],
    [{"email": ADA, "primary": True, "verified": "true"}],
    ["x", None, {"primary": True}],
)


async def test_of_github_only_the_primary_address_counts_and_only_if_verified(visitors):
    async with visitors.people.browser() as browser:
        await visitors.people.make(browser)
        for visitors.github.emails in UNPROVEN:
            await refused(visitors, browser, 403, "github")


async def test_github_has_to_say_a_number(visitors):
    async with visitors.people.browser() as browser:
        for visitors.github.number in (None, True, "583231", {}):
            await refused(visitors, browser, 502, "github")


def _wrong(**changed):
    return lambda site: site.claims.update(changed)


def _with_secret(site):
    site.sign = signed_by_secret(CLIENT_SECRET.encode())


def _with_public_key(site):
    """The confusion of old: the public key as the secret of an HMAC."""
    site.sign = signed_by_secret(site.keys[-1].as_pem(private=False))


def _signed_by_another(site):
    key = rsa_key("first", 2)
    site.sign = lambda claims, header: jwt.encode(header, claims, key, algorithms=["RS256"])


ATTACKS = {
    "another nonce": _wrong(nonce="of another login"),
    "no nonce": _wrong(nonce=None),
    "another issuer": _wrong(iss="https://accounts.example.org"),
    "no issuer": _wrong(iss=None),
    "issuer with a slash": lambda site: site.claims.update(iss=site.url + "/"),
    "another audience": _wrong(aud="another client"),
    "another audience, for which we asked": _wrong(aud="another client", azp="lectern-at-site"),
    "no audience": _wrong(aud=None),
    "several audiences, no azp": _wrong(aud=["lectern-at-site", "another client"]),
    "another azp": _wrong(azp="another client"),
    "expired": _wrong(exp=1_700_000_000),
    "no expiry": _wrong(exp=None),
    "expiry as text": _wrong(exp="tomorrow"),
    "of long ago": _wrong(iat=1_700_000_000),
    "of the future": _wrong(iat=32_503_680_000),
    "no moment": _wrong(iat=None),
    "no subject": _wrong(sub=None),
    "a number as subject": _wrong(sub=7),
    "an empty subject": _wrong(sub=""),
    "a long subject": _wrong(sub="x" * 256),
    "another access token": _wrong(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "no signature": lambda site: setattr(site, "sign", unsigned),
    "signed with the client secret": _with_secret,
    "signed with the public key as a secret": _with_public_key,
    "signed by another key of the same name": _signed_by_another,
    "no token": lambda site: setattr(site, "sign", lambda claims, header: None),
    "no JWT": lambda site: setattr(site, "sign", lambda claims, header: "a.b"),
    "of other metadata": lambda site: site.metadata.update(issuer="https://example.org"),
    "tokens in clear": lambda site: site.metadata.update(token_endpoint="http://example.org/token"),
    "keys in clear": lambda site: site.metadata.update(jwks_uri="http://192.0.2.1/keys"),
}


async def test_what_is_not_as_it_must_be_lets_nobody_in(visitors):
    site, let_in = visitors.openid, []
    async with visitors.people.browser() as browser:
        assert (await visitors.log_in(browser)).status_code == 200
        before = await rows(visitors, sessions)
        for name, attack in ATTACKS.items():
            browser.cookies.clear()
            visitors.forget_sites()
            attack(site)
            answer = await browser.get("/login/openid")
            if answer.status_code == 303:
                answer = await visitors.end(browser, await authorize(answer.headers["location"]))
            if answer.status_code != 502 or await visitors.whose(browser) is not None:
                let_in.append((name, answer.status_code, answer.text))
            site.behave()
        assert let_in == []
        assert await rows(visitors, sessions) == before
        visitors.forget_sites()
        assert (await visitors.log_in(browser)).status_code == 200


async def test_a_state_is_good_once_and_a_code_too(visitors):
    async with visitors.people.browser() as browser:
        path = await visitors.begin(browser)
        kept = browser.cookies["__Host-lectern-login"]
        assert (await visitors.end(browser, path)).status_code == 200
        browser.cookies.clear()
        browser.cookies.set("__Host-lectern-login", kept, domain="gateway")
        assert (await visitors.end(browser, path)).status_code == 400
        code = parse_qs(urlsplit(path).query)["code"][0]
        fresh = parse_qs(urlsplit(await visitors.begin(browser)).query)["state"][0]
        with_old = f"/login/openid/callback?{urlencode({'code': code, 'state': fresh})}"
        assert (await visitors.end(browser, with_old)).status_code == 502
        assert await visitors.whose(browser) is None


async def test_a_login_that_began_in_another_browser_is_refused(visitors):
    """Else one could have somebody logged in as oneself, and see what they hand in."""
    async with visitors.people.browser() as mine, visitors.people.browser() as theirs:
        path = await visitors.begin(mine)
        assert (await visitors.end(theirs, path)).status_code == 400
        assert await visitors.whose(theirs) is None
        path = await visitors.begin(mine)
        await visitors.begin(theirs)
        assert (await visitors.end(theirs, path)).status_code == 400
        assert (await visitors.end(mine, path)).status_code == 400, "it is used up"


async def test_a_login_ends_ten_minutes_after_it_began(visitors):
    async with visitors.people.browser() as browser:
        path = await visitors.begin(browser)
        async with visitors.world.database.transaction() as connection:
            await connection.execute(
                update(login_flows).values(expires_at="2026-01-01T00:00:00.000000Z")
            )
        assert (await visitors.end(browser, path)).status_code == 400


async def test_the_answer_of_one_site_is_not_taken_to_another(visitors):
    async with visitors.people.browser() as browser:
        path = await visitors.begin(browser, "openid")
        mixed = path.replace("/login/openid/", "/login/other/")
        assert (await visitors.end(browser, mixed)).status_code == 400
        visitors.openid.issuer_said = visitors.other.url
        await refused(visitors, browser)
        assert visitors.openid.asked.count("/token") == 0, "the code went nowhere"
        visitors.openid.issuer_said = visitors.openid.url
        assert (await visitors.log_in(browser)).status_code == 200
        visitors.github.issuer_said = visitors.openid.url
        browser.cookies.clear()
        await refused(visitors, browser, 502, "github")


async def test_a_site_that_names_itself_in_answers_has_to(visitors):
    visitors.openid.metadata["authorization_response_iss_parameter_supported"] = True
    async with visitors.people.browser() as browser:
        await refused(visitors, browser)


async def test_who_declines_is_told_so_without_the_words_of_the_other_site(visitors):
    visitors.openid.declines = True
    async with visitors.people.browser() as browser:
        answer = await refused(visitors, browser, 400)
        assert "access_denied" not in answer.text


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
async def test_a_site_that_gives_no_proper_answer_lets_nobody_in(visitors, monkeypatch, path):
    async def slow():
        await asyncio.sleep(5)
        return Response()

    monkeypatch.setattr(provider_requests, "WHOLE_ANSWER_S", 0.5)
    broken = {
        "down": lambda: PlainTextResponse(SECRET_WORDS, 503),
        "slow": slow,
        "large": lambda: Response(b"x" * 5_000_000, media_type="application/json"),
        "redirect": lambda: RedirectResponse(f"{visitors.other.url}{path}", 307),
        "no JSON": lambda: PlainTextResponse(SECRET_WORDS),
        "deep JSON": lambda: Response(b"[" * 100_000, media_type="application/json"),
    }
    async with visitors.people.browser() as browser:
        for how, answers in broken.items():
            visitors.forget_sites()
            visitors.openid.broken[path] = answers
            began = monotonic()
            answer = await browser.get("/login/openid")
            if answer.status_code == 303:
                answer = await visitors.end(browser, await authorize(answer.headers["location"]))
            assert answer.status_code == 502, how
            assert SECRET_WORDS not in answer.text
            assert monotonic() - began < 4
            assert await visitors.whose(browser) is None
    assert visitors.other.asked == [], "no redirect was followed"


async def test_a_new_key_is_fetched_and_not_at_every_unknown_one(visitors):
    async with visitors.people.browser() as browser:
        await visitors.log_in(browser)
        visitors.openid.keys = [rsa_key("second")]
        site = visitors.known_sites.named("openid")
        site.clock = lambda: monotonic() + 60
        browser.cookies.clear()
        assert (await visitors.log_in(browser)).status_code == 200
        asked = visitors.openid.asked.count("/keys")
        visitors.openid.header["kid"] = "third"
        for _ in range(3):
            browser.cookies.clear()
            await refused(visitors, browser)
        assert (asked, visitors.openid.asked.count("/keys")) == (2, 2)
        assert visitors.openid.asked.count("/.well-known/openid-configuration") == 1


async def test_keys_of_elliptic_curves_sign_as_well(visitors):
    visitors.openid.keys, visitors.openid.algorithm = [rsa_key("r"), ec_key("e")], "ES256"
    async with visitors.people.browser() as browser:
        assert (await visitors.log_in(browser)).status_code == 200


async def test_who_is_not_in_the_id_token_is_asked_of_userinfo(visitors):
    site = visitors.openid
    site.person = {}
    site.userinfo = {"sub": site.subject, **PERSON}
    async with visitors.people.browser() as browser:
        assert (await visitors.log_in(browser)).status_code == 200
        browser.cookies.clear()
        site.userinfo = {"sub": "somebody else", **PERSON}
        await refused(visitors, browser)


async def test_nobody_is_led_elsewhere_afterwards(visitors):
    async with visitors.people.browser() as browser:
        for elsewhere in (
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "/\t/evil.example",
            "/x\r\nX: y",
            "javascript:alert(1)",
            "documents",
            "",
            "/ä",
        ):
            answer = await visitors.log_in(browser, next=elsewhere)
            assert answer.status_code == 200, elsewhere
            assert "location" not in answer.headers


async def test_a_page_of_another_site_begins_no_login(visitors):
    async with visitors.people.browser() as browser:
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Dest": "iframe"},
            {"Sec-Fetch-Mode": "no-cors"},
        ):
            answer = await browser.get("/login/openid?next=/a%22%3E&remember=true", headers=headers)
            assert answer.status_code == 403
            assert 'href="/login/openid?next=/a%22%3E&amp;remember=true"' in answer.text
            assert not browser.cookies
    assert await rows(visitors, login_flows) == []


async def test_one_client_begins_only_so_many(tmp_path, monkeypatch):
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", "k" * 40)
    async with visiting(tmp_path, rate_limits=True, rate_limit_login="2/hour") as visitors:
        async with visitors.people.browser() as browser:
            begun = [await browser.get("/login/openid") for _ in range(3)]
            assert [answer.status_code for answer in begun] == [303, 303, 429]
        assert len(await rows(visitors, login_flows)) == 2


async def test_a_page_of_another_site_uses_up_nobodys_logins(tmp_path, monkeypatch):
    """Whoever looks at it loads what it is made of, and has asked for nothing here."""
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", "k" * 40)
    async with visiting(tmp_path, rate_limits=True, rate_limit_login="2/hour") as visitors:
        picture = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
        elsewhere = {"Sec-Fetch-Site": "cross-site", **picture}
        async with visitors.people.browser(**elsewhere) as loading:
            for _ in range(5):
                assert (await loading.get("/login/openid")).status_code == 403
        async with visitors.people.browser() as browser:
            assert (await browser.get("/login/openid")).status_code == 303


async def test_nothing_comes_back_into_a_frame(visitors):
    async with visitors.people.browser() as browser:
        path = await visitors.begin(browser)
        framed = await browser.get(path, headers={"Sec-Fetch-Dest": "iframe"})
        assert framed.status_code == 400
        assert (await visitors.end(browser, path)).status_code == 200


async def test_what_is_unknown_is_a_page(visitors):
    async with visitors.people.browser() as browser:
        for path in ("/login/nobody", "/login/nobody/callback?state=x&code=y"):
            answer = await browser.get(path)
            assert (answer.status_code, "no such way" in answer.text) == (404, True)
        answer = await browser.get("/login/openid/callback")
        assert answer.status_code == 400
        assert "no-store" in answer.headers["cache-control"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_what_is_sent_along_is_what_openid_connect_asks_for(visitors):
    async with visitors.people.browser() as browser:
        answer = await browser.get("/login/openid")
        url = urlsplit(answer.headers["location"])
        query = {name: value for name, (value,) in parse_qs(url.query).items()}
        cookie = answer.headers["set-cookie"]
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{visitors.openid.url}/authorize"
    assert query["redirect_uri"] == "https://gateway/login/openid/callback"
    assert (query["scope"], query["code_challenge_method"]) == ("openid email", "S256")
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3
    assert cookie.startswith("__Host-lectern-login=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"} <= set(
        cookie.split("; ")
    )
    (row,) = await rows(visitors, login_flows)
    assert query["state"] not in str(row)
    assert browser.cookies["__Host-lectern-login"] not in str(row)


async def test_no_log_has_a_code_a_token_or_a_word_of_the_other_site(visitors, caplog):
    caplog.set_level("INFO")
    with capture_logs() as logged:
        async with visitors.people.browser() as browser:
            path = await visitors.begin(browser)
            await visitors.end(browser, path)
            visitors.openid.broken["/token"] = lambda: PlainTextResponse(SECRET_WORDS, 400)
            failed = await visitors.begin(browser)
            await visitors.end(browser, failed)
    ours = [record.getMessage() for record in caplog.records if "aiosqlite" not in record.name]
    said = json.dumps(logged) + json.dumps(ours)
    assert "a login with another site failed" in said
    secrets = [value for one in (path, failed) for value in parse_qs(urlsplit(one).query)["code"]]
    for secret in (*secrets, *visitors.openid.bearers, SECRET_WORDS, CLIENT_SECRET, ADA):
        assert secret.removeprefix("Bearer ") not in said
