"""Runs synth alone: ``python -m services.synth``."""

from libs.common.launch import launch
from services.synth.app import NAME, build
from services.synth.settings import Settings

if __name__ == "__main__":
    launch(NAME, Settings, build)
