"""What the JSON of most events has in common, so that it is stored once and not with each of them.

A preset dictionary of DEFLATE (RFC 1950, section 2.2): what is compressed with it refers to places
in it. Stored bodies need it for ever, so it never changes. Events that it does not know are stored
as well as others, in a few bytes more; a better one would be another beside it.
"""

# fmt: off
EVENT_WORDS = (
    b'{"version":1,"task_id":"","service":"segmenter","kind":"segment","document_id":"",'
    b'"owner_id":"","requested_by":"","about_stream":"page//2","page":2,'
    b'"code":"object_not_found","details":{"key":"documents//failures/.json","sha256":"",'
    b'"size":114,"media_type":"application/json"},"attempts":1,'
    b'"fingerprint":"f0898f4ba4b69b50"}{"version":1,"document_id":"","owner_id":"",'
    b'"source_kind":"file","details":{"key":"documents//submitted.json","sha256":"","size":326,'
    b'"media_type":"application/json"}}{"version":1,"document_id":"","owner_id":"",'
    b'"page_count":4,"markdown_characters":836,"chapter_count":3,"language":"en",'
    b'"media_type":"application/epub+zip","details":{"key":"documents//parsed.json","sha256":"",'
    b'"size":518,"media_type":"application/json"}}{"version":1,"document_id":"","owner_id":"",'
    b'"narration_id":"","requested_by":"","pages":[{"first":1,"last":2},{"first":4,"last":4}],'
    b'"engine":"espeak","voice":"en-gb","rate":1.25,"formats":["m4a","mp3"],'
    b'"audiobook":"m4b"}{"version":1,"document_id":"","owner_id":"","audio_id":"",'
    b'"requested_by":"","page":1,"done":3,"total":4}{"version":1,"document_id":"","owner_id":"",'
    b'"audio_id":"","requested_by":"","page":1,"revision":0,'
    b'"segmented_page":{"key":"documents//segments/00001.r0.json","sha256":"","size":3918,'
    b'"media_type":"application/json"},"characters":213,"engine":"espeak","voice":"en-gb",'
    b'"rate":1.25,"formats":["m4a","mp3"]}{"version":1,"document_id":"","owner_id":"","page":1,'
    b'"revision":0,"segmented_page":{"key":"documents//segments/00001.r0.json","sha256":"",'
    b'"size":3918,"media_type":"application/json"},"utterance_count":4,"characters":213,'
    b'"language":"en"}{"version":1,"document_id":"","owner_id":"","page":1,'
    b'"text":{"key":"documents//pages/00001.r0.json","sha256":"","size":312,'
    b'"media_type":"application/json"},"markdown_characters":218,"language":"en"}{"version":1,'
    b'"document_id":"","owner_id":"","audio_id":"","requested_by":"","page":1,"revision":0,'
    b'"engine":"espeak","voice":"en-gb","rate":1.25,"renditions":[{"format":"m4a",'
    b'"object":{"key":"audio///page.m4a","sha256":"","size":98204,"media_type":"audio/mp4"}},'
    b'{"format":"mp3","object":{"key":"audio///page.mp3","sha256":"","size":124320,'
    b'"media_type":"audio/mpeg"}}],"timings":{"key":"audio///timings.json","sha256":"",'
    b'"size":3997,"media_type":"application/json"},"captions":{"key":"audio///captions.vtt",'
    b'"sha256":"","size":433,"media_type":"text/vtt; charset=utf-8"},"duration_ms":14784,'
    b'"characters_asked":213,"characters_spoken":213,"segments_cached":2,"loudness_lufs":-19.0,'
    b'"characters_cached":95}'
)
# fmt: on
