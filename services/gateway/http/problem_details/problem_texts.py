"""How problems are written down: by status and code, a title and what to do about it."""

from collections.abc import Mapping

ProblemTexts = Mapping[int, Mapping[str, tuple[str, str]]]
"""Status to code to title and meaning; codes are unique among all statuses."""
