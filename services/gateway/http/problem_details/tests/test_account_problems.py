from services.gateway.http.problem_details.account_problems import ACCOUNT_PROBLEMS
from services.gateway.http.problem_details.problem_types import PROBLEM_TYPES


def test_all_are_among_the_problems_of_the_api():
    for status, texts in ACCOUNT_PROBLEMS.items():
        for code in texts:
            assert PROBLEM_TYPES[code].status == status
