"""What the system does when a process is killed, done to one that goes on."""

import os

from libs.common.work_folders import LockedFolder


def let_go_of(folder: LockedFolder) -> None:
    """Unlock a folder in use, which stays with all that is in it.

    Raises:
        ValueError: It is not in use.
    """
    if folder._held is None:
        raise ValueError("the folder is not in use")
    os.close(folder._held[0])
