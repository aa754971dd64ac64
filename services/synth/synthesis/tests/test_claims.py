from uuid import UUID

from services.synth.synthesis.cache.pack_writer import PackWriter
from services.synth.synthesis.cache.segment_cache import NothingKept
from services.synth.synthesis.claims import SegmentClaims, SpokenSegment
from services.synth.synthesis.spool import SegmentSpool

WRITER = PackWriter(NothingKept(), UUID(int=1))


async def test_a_claim_is_there_until_it_is_released():
    claims = SegmentClaims()
    assert claims.claim_of("a") is None
    claim = claims.add("a", WRITER)
    assert claims.claim_of("a") is claim
    assert claims.claim_of("b") is None
    claims.release("a", claim)
    assert claims.claim_of("a") is None
    assert claim.made.result() is None
    assert len(claims) == 0


async def test_what_was_made_stays_told():
    claims = SegmentClaims()
    claim = claims.add("a", WRITER)
    spoken = SpokenSegment(SegmentSpool().add({"aac": b"x"}), cached=False)
    claim.made.set_result(spoken)
    claims.release("a", claim)
    assert claim.made.result() is spoken


async def test_the_claim_of_another_page_is_left_alone():
    claims = SegmentClaims()
    first = claims.add("a", WRITER)
    claims.forget("a", first)
    second = claims.add("a", WRITER)
    claims.release("a", first)
    assert claims.claim_of("a") is second
