"""Problems with a request as such, whatever it asks for."""

from services.gateway.http.problem_details.problem_texts import ProblemTexts

REQUEST_PROBLEMS: ProblemTexts = {
    400: {
        "bad_request": (
            "Bad request",
            "The request cannot be read as HTTP.",
        ),
        "bad_json": (
            "Broken JSON",
            "The body, or the field that is named, is not JSON.",
        ),
        "bad_encoding": (
            "Not UTF-8",
            "JSON has to be sent in UTF-8.",
        ),
        "bad_form": (
            "Broken form",
            "The body is not the multipart/form-data that its Content-Type promises, or a field of"
            " it is too long or not UTF-8.",
        ),
    },
    401: {
        "unauthorized": (
            "Not signed in",
            "There is no token in the header Authorization, or it is not valid any more. Send "
            "`Authorization: Bearer` with a token of yours.",
        ),
    },
    403: {
        "forbidden": (
            "Not allowed",
            "You may see it, but you may not do this to it. Ask its owner for more rights.",
        ),
        "insufficient_scope": (
            "Insufficient scope",
            "The token may not do this, though its owner might. Use one with the scope that the "
            "answer names.",
        ),
    },
    404: {
        "not_found": (
            "Not found",
            "There is no such thing, or you may not know that there is. Look at the address again.",
        ),
    },
    405: {
        "method_not_allowed": (
            "Method not allowed",
            "This address takes other methods; the header Allow lists them.",
        ),
    },
    408: {
        "request_timeout": (
            "Too slow",
            "The body did not arrive in time. Send it again, or upload longer texts as a file.",
        ),
    },
    409: {
        "conflict": (
            "Changed at the same moment",
            "Somebody else changed it at the same moment. Read it again, then try again.",
        ),
    },
    412: {
        "stale": (
            "Changed meanwhile",
            "It is another one than If-Match names: somebody changed it since you read it. Read it "
            "again, and send its ETag as If-Match.",
        ),
    },
    413: {
        "too_large": (
            "Too large",
            "It has more bytes than this site takes. The answer names the limit; send less.",
        ),
    },
    415: {
        "unsupported_media_type": (
            "Unsupported media type",
            "The Content-Type of the body is not one that this address takes; the answer lists "
            "them.",
        ),
    },
    416: {
        "bad_range": (
            "No such range",
            "The header Range asks for bytes that are not there. Content-Range says how many are.",
        ),
    },
    422: {
        "invalid": (
            "Invalid request",
            "A parameter or a field of the body is missing, unknown, or not as it must be. "
            "`errors` names each of them, and says what it must be.",
        ),
        "unknown_parameter": (
            "Unknown query parameter",
            "The address has a query parameter that is not known here, perhaps a misspelled one. "
            "The answer names those that there are.",
        ),
        "too_complex": (
            "Too many values",
            "JSON may hold so many values in so many levels. Write many pages as ranges: `1-5,8`.",
        ),
        "bad_cursor": (
            "Bad cursor",
            "This is no place in the list. Send `next` of the last answer, unchanged.",
        ),
    },
    428: {
        "revision_required": (
            "Revision required",
            "Say which revision you edited: send the ETag of what you read as If-Match.",
        ),
    },
    429: {
        "too_many_requests": (
            "Too many requests",
            "You have as many requests under way as one may. Wait as long as Retry-After says.",
        ),
        "rate_limited": (
            "Too often",
            "You did this as often as one may in a while. `RateLimit-Policy` says how often that "
            "is; wait as long as Retry-After says.",
        ),
        "throttled": (
            "Throttled",
            "Something that is needed takes no more for now. Wait as long as Retry-After says.",
        ),
    },
    500: {
        "internal": (
            "Our fault",
            "Something went wrong on our side, and it has been noted. Tell the operator "
            "`request_id`.",
        ),
    },
    503: {
        "unavailable": (
            "Unavailable",
            "Something that is needed does not answer now, or too much is being asked here. Wait "
            "as long as Retry-After says.",
        ),
    },
}
