"""Runs notifier alone: ``python -m services.notifier``.

Worker processes import this module again, under another name, and must not load the service.
"""

if __name__ == "__main__":
    from libs.common.runtime.launch import launch
    from services.notifier.app import NAME, build
    from services.notifier.settings import Settings

    launch(NAME, Settings, build)
