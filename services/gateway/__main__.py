"""Runs gateway alone: ``python -m services.gateway``."""

from libs.common.launch import launch
from services.gateway.app import NAME, build
from services.gateway.settings import Settings

if __name__ == "__main__":
    launch(NAME, Settings, build)
