"""What the JSON of most events has in common, so that it is stored once and not with each of them.

A preset dictionary of DEFLATE (RFC 1950, section 2.2): what is compressed with it refers to places
in it. Stored bodies need it for ever, so it never changes. Events that it does not know are stored
as well as others, in a few bytes more; a better one would be another beside it.
"""

# fmt: off
EVENT_WORDS = (
    b'{"version":1,"task_id":"","service":"segmenter","kind":"segment","document_id":"","owner_id"'
    b':"","requested_by":"","about_stream":"page//2","page":2,"code":"object_not_found","details":'
    b'{"key":"documents//failures/.json","sha256":"","size":114,"media_type":"application/json"},"'
    b'attempts":1,"fingerprint":"f0898f4ba4b69b50"}{"version":1,"document_id":"","owner_id":"","so'
    b'urce_kind":"file","details":{"key":"documents//submitted.json","sha256":"","size":326,"media'
    b'_type":"application/json"}}{"version":1,"document_id":"","owner_id":"","page_count":4,"markd'
    b'own_characters":836,"chapter_count":3,"language":"en","media_type":"application/epub+zip","d'
    b'etails":{"key":"documents//parsed.json","sha256":"","size":518,"media_type":"application/jso'
    b'n"}}{"version":1,"document_id":"","owner_id":"","narration_id":"","requested_by":"","pages":'
    b'[{"first":1,"last":2},{"first":4,"last":4}],"engine":"espeak","voice":"en-gb","rate":1.25,"f'
    b'ormats":["m4a","mp3"],"audiobook":"m4b"}{"version":1,"document_id":"","owner_id":"","audio_i'
    b'd":"","requested_by":"","page":1,"done":3,"total":4}{"version":1,"document_id":"","owner_id"'
    b':"","audio_id":"","requested_by":"","page":1,"revision":0,"segmented_page":{"key":"documents'
    b'//segments/00001.r0.json","sha256":"","size":3918,"media_type":"application/json"},"characte'
    b'rs":213,"engine":"espeak","voice":"en-gb","rate":1.25,"formats":["m4a","mp3"]}{"version":1,"'
    b'document_id":"","owner_id":"","page":1,"revision":0,"segmented_page":{"key":"documents//segm'
    b'ents/00001.r0.json","sha256":"","size":3918,"media_type":"application/json"},"utterance_coun'
    b't":4,"characters":213,"language":"en"}{"version":1,"document_id":"","owner_id":"","page":1,"'
    b'text":{"key":"documents//pages/00001.r0.json","sha256":"","size":312,"media_type":"applicati'
    b'on/json"},"markdown_characters":218,"language":"en"}{"version":1,"document_id":"","owner_id"'
    b':"","audio_id":"","requested_by":"","page":1,"revision":0,"engine":"espeak","voice":"en-gb",'
    b'"rate":1.25,"renditions":[{"format":"m4a","object":{"key":"audio///page.m4a","sha256":"","si'
    b'ze":98204,"media_type":"audio/mp4"}},{"format":"mp3","object":{"key":"audio///page.mp3","sha'
    b'256":"","size":124320,"media_type":"audio/mpeg"}}],"timings":{"key":"audio///timings.json","'
    b'sha256":"","size":3997,"media_type":"application/json"},"captions":{"key":"audio///captions.'
    b'vtt","sha256":"","size":433,"media_type":"text/vtt; charset=utf-8"},"duration_ms":14784,"cha'
    b'racters_asked":213,"characters_spoken":213,"segments_cached":2,"loudness_lufs":-19.0,"charac'
    b'ters_cached":95}'
)
# fmt: on
