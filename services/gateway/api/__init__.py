"""The gateway's HTTP face: ``/api/v1``, JSON and audio, bearer tokens, RFC 9457 problems."""
