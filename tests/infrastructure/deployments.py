"""Reads the deployment files for the tests that hold them against the code."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic_settings import BaseSettings

from libs.common.settings import CommonSettings, ServiceSettings, variable

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
K8S = DEPLOY / "k8s" / "base"
SERVICES = ("gateway", "ingest", "segmenter", "synth", "notifier")


def settings_of(service: str) -> type[ServiceSettings]:
    """The settings class of a service."""
    found: type[ServiceSettings] = importlib.import_module(f"services.{service}.settings").Settings
    return found


def port_of(service: str) -> int:
    """The port that the service's settings default to."""
    return int(settings_of(service).model_fields["http_port"].default)


def known_variables() -> set[str]:
    """Every environment variable that some settings class reads."""
    classes: list[type[BaseSettings]] = [CommonSettings, *map(settings_of, SERVICES)]
    return {variable(settings, field) for settings in classes for field in settings.model_fields}


def compose() -> dict[str, Any]:
    """The services of docker-compose.yml."""
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])


def manifests() -> list[dict[str, Any]]:
    """Every Kubernetes object in deploy/k8s/base, examples included."""
    return [
        document
        for path in sorted(K8S.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document["kind"] != "Kustomization"
    ]


def manifest(kind: str, name: str) -> dict[str, Any]:
    """One Kubernetes object."""
    (found,) = (
        document
        for document in manifests()
        if (document["kind"], document["metadata"]["name"]) == (kind, name)
    )
    return found


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and pod specification of every Deployment and Job."""
    for document in manifests():
        if document["kind"] in ("Deployment", "Job"):
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """All containers of a pod."""
    return [*pod.get("initContainers", ()), *pod["containers"]]
