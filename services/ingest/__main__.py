"""Runs ingest alone: ``python -m services.ingest``.

Worker processes import this module again, under another name, and must not load the service.
"""

if __name__ == "__main__":
    from libs.common.runtime.launch import launch
    from services.ingest.app import NAME, build
    from services.ingest.settings import Settings

    launch(NAME, Settings, build)
