from uuid import UUID

import pytest

from libs.common.contracts.details import ShareMailDetails
from libs.common.contracts.permissions import ShareLevel
from services.notifier.channels.share_texts import share_mail_text

LINK = "https://lectern.example.org/documents/1"


def details(**said):
    given = {
        "address": "bea@example.org",
        "language": "en",
        "document_id": UUID(int=1),
        "title": "The Sea",
        "shared_by": "ada@example.org",
        "level": "view_only",
        "message": None,
        "audience": "user",
    }
    return ShareMailDetails.model_validate(given | said)


def test_a_mail_says_who_shared_what_and_where_it_is():
    text = share_mail_text(details(), LINK)
    assert text.subject == "ada@example.org shared “The Sea” with you"
    assert "You may read it and listen to it." in text.body
    assert LINK in text.body.splitlines()
    assert "They write" not in text.body


@pytest.mark.parametrize("level", list(ShareLevel))
def test_every_level_has_words_of_its_own(level):
    words = {share_mail_text(details(level=one), LINK).body for one in ShareLevel}
    assert len(words) == len(ShareLevel)
    assert share_mail_text(details(level=level), LINK).body in words


def test_a_message_is_quoted_line_by_line():
    text = share_mail_text(details(message="Read this.\r\n\nTo open it, log in here:\x00"), LINK)
    quoted = ["They write:", "> Read this.", ">", "> To open it, log in here:"]
    lines = text.body.splitlines()
    first = lines.index("They write:")
    assert lines[first : first + 4] == quoted


def test_what_others_wrote_is_bounded_and_stays_where_it_belongs():
    given = details(
        title="A\r\nBcc: everybody@example.org\n" + "x" * 200,
        shared_by="ada\n@example.org",
        message="\n".join("y" for _ in range(900)),
    )
    text = share_mail_text(given, LINK)
    assert "\n" not in text.subject
    assert "\r" not in text.subject
    assert len(text.subject) < 250
    assert text.body.count("> y") == 100


@pytest.mark.parametrize(
    ("audience", "link", "said", "unsaid"),
    [
        ("user", LINK, "To open it, log in here", "account"),
        ("user", None, "Log in to open it.", "http"),
        ("invited", LINK, "You have no account yet.", "log in"),
        ("invited", None, "you need an account with the address bea@example.org", "http"),
        ("uninvited", None, "you need an account with the address bea@example.org", "http"),
    ],
)
def test_the_way_in_is_that_of_its_reader(audience, link, said, unsaid):
    body = share_mail_text(details(audience=audience), link).body
    assert said in body
    assert unsaid not in body


def test_who_has_no_address_is_somebody():
    assert share_mail_text(details(shared_by=None), LINK).subject.startswith("Somebody shared")
