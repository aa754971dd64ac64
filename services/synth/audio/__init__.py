"""From an engine's PCM to pages and books that can be played.

In the order in which audio passes through:

    resample, limiter, loudness, calibration    PCM to PCM, one segment
    encode, segment_file, produce               PCM to a segment file that can be cached
    muxing, mp4_file, libav_file, page, book    segment files to a page, pages to a book
    timings, captions                           when each sentence and word is heard

Everything is synchronous and takes picklable arguments; it runs in worker processes.
"""
