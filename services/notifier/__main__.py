"""Runs notifier alone: ``python -m services.notifier``."""

from services.notifier.app import NAME, build
from services.notifier.settings import Settings

from libs.common.launch import launch

if __name__ == "__main__":
    launch(NAME, Settings, build)
