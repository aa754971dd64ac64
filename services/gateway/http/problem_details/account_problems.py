"""Problems with accounts: registering, logging in, passwords and addresses."""

from services.gateway.http.problem_details.problem_texts import ProblemTexts

ACCOUNT_PROBLEMS: ProblemTexts = {
    401: {
        "bad_login": (
            "Not logged in",
            "Address and password do not belong together. If you do not know the password any "
            "more, ask for a new one.",
        ),
    },
    403: {
        "cross_site": (
            "From another site",
            "A page of another site had the browser send this. Use a page of this site, or send a "
            "token in place of a cookie.",
        ),
        "log_in_again": (
            "Log in again",
            "The account has no password, and this changes who gets into it. Log in again, and do "
            "it within a quarter of an hour.",
        ),
        "session_needed": (
            "Session needed",
            "This changes who gets into the account, for which a token is not enough. Log in, and "
            "do it with the session.",
        ),
        "sign_up_closed": (
            "Registration closed",
            "Not everybody may register here. Ask who runs the site to invite you.",
        ),
    },
    409: {
        "last_staff": (
            "Last of the staff",
            "Somebody has to be staff. Invite somebody as staff first.",
        ),
    },
    422: {
        "address_taken": (
            "Address taken",
            "The mail address belongs to an account already. Log in with it.",
        ),
        "already_registered": (
            "Already registered",
            "There is such an account already.",
        ),
        "bad_address": (
            "Bad mail address",
            "This is no mail address. Write it as name@example.org.",
        ),
        "bad_password": (
            "Wrong password",
            "What you gave as your password is another one.",
        ),
        "last_login": (
            "Last way to log in",
            "You log in with nothing else. Set a password, or link another site, before you remove "
            "this one.",
        ),
        "no_mail": (
            "No mail",
            "This site sends no mail, so links cannot be mailed. Ask who runs it.",
        ),
        "passwords_differ": (
            "Passwords differ",
            "The two passwords are not the same. Type both again.",
        ),
        "primary_address": (
            "Primary address",
            "Mails go to this address. Have them go to another one before you remove it.",
        ),
        "weak_password": (
            "Weak password",
            "The password is too short, too common, made of digits alone, or like the mail "
            "address. Choose another one.",
        ),
    },
}
