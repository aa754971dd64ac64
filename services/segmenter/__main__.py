"""Runs segmenter alone: ``python -m services.segmenter``.

Worker processes import this module again, under another name, and must not load the service.
"""

if __name__ == "__main__":
    from libs.common.runtime.launch import launch
    from services.segmenter.app import NAME, build
    from services.segmenter.settings import Settings

    launch(NAME, Settings, build)
