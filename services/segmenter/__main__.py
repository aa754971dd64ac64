"""Runs segmenter alone: ``python -m services.segmenter``."""

from libs.common.launch import launch
from services.segmenter.app import NAME, build
from services.segmenter.settings import Settings

if __name__ == "__main__":
    launch(NAME, Settings, build)
