"""Runs synth alone: ``python -m services.synth``.

Worker processes import this module again, under another name, and must not load the service.
"""

if __name__ == "__main__":
    from libs.common.runtime.launch import launch
    from services.synth.app import NAME, build
    from services.synth.settings import Settings

    launch(NAME, Settings, build)
