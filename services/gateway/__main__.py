"""Runs gateway alone: ``python -m services.gateway``.

Worker processes import this module again, under another name, and must not load the service.
"""

if __name__ == "__main__":
    from libs.common.runtime.launch import launch
    from services.gateway.app import NAME, build
    from services.gateway.settings import Settings

    launch(NAME, Settings, build)
