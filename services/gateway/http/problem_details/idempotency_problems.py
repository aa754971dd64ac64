"""Problems with requests that say that they may come twice."""

from services.gateway.http.problem_details.problem_texts import ProblemTexts

IDEMPOTENCY_PROBLEMS: ProblemTexts = {
    400: {
        "bad_idempotency_key": (
            "Bad Idempotency-Key",
            "A key has 1 to 255 printable characters of ASCII, such as a new UUID.",
        ),
    },
    409: {
        "idempotency_answer_lost": (
            "Answer lost",
            "The request with this key was carried out, but its answer is not there any more: a "
            "process died at that moment, or what it was about is deleted. Look at what there is "
            "before you ask for it with a new key.",
        ),
        "idempotency_in_flight": (
            "Under way already",
            "The first request with this key is under way, and takes long. Send it again, with the "
            "same key, after as long as Retry-After says.",
        ),
    },
    422: {
        "idempotency_key_reused": (
            "Key used before",
            "The key was sent with another request, or with another body. Make up a new one for "
            "each thing that you want; send the same one only with the very same request.",
        ),
        "idempotency_unsupported": (
            "No key taken here",
            "The answer to this is shown once and kept nowhere, or it can be sent twice without "
            "harm. Send it without Idempotency-Key.",
        ),
    },
}
