"""Runs ingest alone: ``python -m services.ingest``."""

from libs.common.launch import launch
from services.ingest.app import NAME, build
from services.ingest.settings import Settings

if __name__ == "__main__":
    launch(NAME, Settings, build)
