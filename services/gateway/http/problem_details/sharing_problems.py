"""Problems with shares."""

from services.gateway.http.problem_details.problem_texts import ProblemTexts

SHARING_PROBLEMS: ProblemTexts = {
    422: {
        "owns_it": (
            "Owned by them",
            "The document belongs to whoever has this address; they see it already.",
        ),
        "already_shared": (
            "Shared already",
            "There is a share for this address. Change that one, or revoke it first.",
        ),
        "in_the_past": (
            "In the past",
            "A share or a link has to end later than now. Without an end, a share lasts until "
            "somebody ends it, and a link for 30 days.",
        ),
        "lasts_too_long": (
            "Lasts too long",
            "A public link ends within 366 days. Choose an earlier end, or leave it out.",
        ),
        "too_late": (
            "Too late an end",
            "It cannot outlive the share that lets you grant it. Choose an earlier end, or none.",
        ),
    },
}
