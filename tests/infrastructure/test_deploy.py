"""Dockerfile, compose and Kubernetes files say what the code says."""

import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections import Counter

import pytest
import yaml

import deploy.native.services
from libs.common.observability.metrics import every_metric
from libs.common.settings import CommonSettings
from libs.common.testing import containers as test_containers
from tests.infrastructure.deployments import (
    DEPLOY,
    K8S,
    ROOT,
    SERVICES,
    compose,
    containers,
    known_variables,
    manifest,
    manifests,
    pods,
    port_of,
)

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
LIVE = {"initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
READY = {"initialDelaySeconds": 5, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 2}
GATEWAYS = {"gateway": "http", "gateway-work": "work"}
OURS = re.compile(rf"(LECTERN|{'|'.join(SERVICES).upper()})_")


def images() -> set[str]:
    used = {service["image"] for service in compose().values()}
    used |= {container["image"] for _, pod in pods() for container in containers(pod)}
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    stages = re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE)
    return used | (set(bases) - set(stages))


def metrics_port() -> int:
    return int(manifest("ConfigMap", "lectern")["data"]["LECTERN_METRICS_PORT"])


def test_every_image_has_a_version() -> None:
    for image in images():
        name, _, tag = image.rpartition(":")
        assert name, f"{image} has no tag"
        assert re.search(r"\d", tag), f"{image} may be another one tomorrow"


def test_our_images_have_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    ours = {image for image in images() if image.startswith("lectern/")}
    assert ours == {f"lectern/{name}:{version}" for name in (*SERVICES, "setup")}
    kustomization = yaml.safe_load((K8S / "kustomization.yaml").read_text())
    assert {f"{image['name']}:{image['newTag']}" for image in kustomization["images"]} == ours


def test_containers_of_the_tests_are_those_of_compose() -> None:
    assert compose()["kafka"]["image"] == test_containers.KAFKA_IMAGE
    assert compose()["postgres"]["image"] == test_containers.POSTGRES_IMAGE


def test_compose_has_the_kafka_that_runs_natively() -> None:
    pom = (DEPLOY / "native" / "pom.xml").read_text()
    version = re.search(r"<kafka.version>(.+)</kafka.version>", pom)
    assert version is not None
    assert compose()["kafka"]["image"] == f"apache/kafka:{version[1]}"


@pytest.mark.parametrize("service", SERVICES)
def test_compose_runs_each_service(service: str) -> None:
    found = compose()[service]
    port = port_of(service)
    assert found["build"]["args"] == {"SERVICE": service}
    assert found["build"]["target"] == "service"
    metrics = found["environment"]["LECTERN_METRICS_PORT"]
    assert found["ports"] == [f"127.0.0.1:{port}:{port}", f"127.0.0.1:{port + 100}:{metrics}"]
    assert found["environment"][f"{service.upper()}_HTTP_PORT"] == str(port)
    assert found["environment"][f"{service.upper()}_DATABASE_URL"].endswith(f"/{service}")
    assert found["healthcheck"]["test"] == ["CMD", "python", "/app/healthcheck.py"]
    assert found["restart"] == "unless-stopped"
    assert found["read_only"] is True
    assert found["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}


def test_the_gateway_answers_and_works_in_containers_of_their_own() -> None:
    roles = {name: compose()[name]["environment"]["GATEWAY_ROLE"] for name in GATEWAYS}
    assert roles == GATEWAYS
    for name, role in GATEWAYS.items():
        (container,) = manifest("Deployment", name)["spec"]["template"]["spec"]["containers"]
        assert {"name": "GATEWAY_ROLE", "value": role} in container["env"]
        assert container["image"] == compose()[name]["image"]
    work = compose()["gateway-work"]
    of_http = dict(compose()["gateway"], environment=None, ports=None)
    assert dict(work, environment=None, ports=None, build=of_http["build"]) == of_http


def test_a_service_of_compose_knows_only_its_own_database() -> None:
    for service in SERVICES:
        urls = {name for name in compose()[service]["environment"] if "DATABASE" in name}
        assert urls == {f"{service.upper()}_DATABASE_URL"}


def test_compose_keeps_what_must_last_and_creates_topics_on_purpose() -> None:
    found = compose()
    for server in ("kafka", "postgres", "s3"):
        assert any(str(volume).startswith(f"{server}:") for volume in found[server]["volumes"])
        assert found[server]["healthcheck"]
    assert found["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert found["setup"]["command"] == [
        "python -m lectern migrate && exec python -m lectern topics create"
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_kubernetes_runs_each_service(service: str) -> None:
    pod = manifest("Deployment", service)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["ports"] == [
        {"name": "http", "containerPort": port_of(service)},
        {"name": "metrics", "containerPort": metrics_port()},
    ]
    assert {"name": f"{service.upper()}_HTTP_PORT", "value": str(port_of(service))} in container[
        "env"
    ]
    assert container["livenessProbe"] == {
        "httpGet": {"path": "/health/live/", "port": "http"},
        **LIVE,
    }
    assert container["readinessProbe"] == {
        "httpGet": {"path": "/health/ready/", "port": "http"},
        **READY,
    }
    assert set(container["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("service", SERVICES)
def test_kubernetes_finds_and_spares_each_service(service: str) -> None:
    labels = {"app.kubernetes.io/name": service}
    template = manifest("Deployment", service)["spec"]["template"]
    assert labels.items() <= template["metadata"]["labels"].items()
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(metrics_port())
    assert manifest("Service", service)["spec"] == {
        "selector": labels,
        "ports": [{"name": "http", "port": port_of(service), "targetPort": "http"}],
    }
    assert manifest("PodDisruptionBudget", service)["spec"]["selector"] == {"matchLabels": labels}


@pytest.mark.parametrize(("name", "pod"), list(pods()))
def test_nothing_in_kubernetes_is_root_or_writes_its_image(name: str, pod) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["enableServiceLinks"] is False  # they would set GATEWAY_PORT and the like
    for container in containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_synth_has_one_worker_for_each_core_of_its_limit() -> None:
    (container,) = manifest("Deployment", "synth")["spec"]["template"]["spec"]["containers"]
    workers = {variable["name"]: variable["value"] for variable in container["env"]}[
        "SYNTH_WORKERS"
    ]
    assert workers == container["resources"]["limits"]["cpu"]


def test_services_are_given_the_time_to_drain() -> None:
    drain_s = CommonSettings.model_fields["drain_timeout_seconds"].default
    for service in SERVICES:
        pod = manifest("Deployment", service)["spec"]["template"]["spec"]
        assert drain_s < pod["terminationGracePeriodSeconds"] == 30
        assert compose()[service]["stop_grace_period"] == "30s"


def test_setup_knows_every_database_and_does_both() -> None:
    pod = manifest("Job", "setup")["spec"]["template"]["spec"]
    assert [container["args"] for container in containers(pod)] == [
        ["migrate"],
        ["topics", "create"],
    ]
    for container in containers(pod):
        secrets = {
            source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source
        }
        assert secrets == {"lectern", *SERVICES}


def test_kustomize_has_everything_but_examples() -> None:
    listed = set(yaml.safe_load((K8S / "kustomization.yaml").read_text())["resources"])
    present = {path.name for path in K8S.glob("*.yaml")} - {"kustomization.yaml"}
    assert listed == {name for name in present if not name.endswith(".example.yaml")}


def test_an_overlay_changes_what_is_in_the_base() -> None:
    overlay = K8S.parent / "overlays" / "example"
    changes = yaml.safe_load((overlay / "kustomization.yaml").read_text())
    assert "../../base" in changes["resources"]
    assert {f"{image['name']}:{image['newTag']}" for image in changes["images"]} <= images()
    deployments = {name for name, _ in pods()}
    assert {replicas["name"] for replicas in changes["replicas"]} <= deployments
    patch = yaml.safe_load((overlay / "configmap.yaml").read_text())
    assert set(patch["data"]) <= known_variables()
    partitions = int(patch["data"]["LECTERN_TOPIC_PARTITIONS"])
    for replicas in changes["replicas"]:
        assert partitions % replicas["count"] == 0, "each has as many partitions as the others"
    assert patch["metadata"] == manifest("ConfigMap", "lectern")["metadata"]


@pytest.mark.parametrize("folder", ["base", "overlays/example"])
def test_kubectl_can_build_it(folder: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on the PATH")
    built = subprocess.check_output(["kubectl", "kustomize", K8S.parent / folder], text=True)
    kinds = Counter(document["kind"] for document in yaml.safe_load_all(built))
    assert (kinds["Deployment"], kinds["Service"], kinds["Job"]) == (6, 5, 1)
    assert kinds["Ingress"] == (folder != "base")


def test_prometheus_scrapes_every_service_where_it_is() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    one_port, own_ports = job["static_configs"]
    assert one_port["targets"] == [f"localhost:{port_of(service)}" for service in SERVICES]
    published = [
        f"localhost:{compose()[name]['ports'][-1].split(':')[1]}"
        for name in (*SERVICES, "gateway-work")
    ]
    assert own_ports["targets"] == published


def test_alerts_are_about_metrics_that_there_are_and_have_a_runbook() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    known = {metric.name for metric in every_metric()}
    for name in config["rule_files"]:
        for group in yaml.safe_load((DEPLOY / "prometheus" / name).read_text())["groups"]:
            for rule in group["rules"]:
                assert set(re.findall(r"[a-z]+_[a-z_]+", rule["expr"])) <= known
                assert (ROOT / rule["annotations"]["runbook"]).is_file()
                assert rule["labels"]["severity"] in {"critical", "warning"}


def test_every_variable_is_one_that_the_settings_have() -> None:
    used = set(re.findall(r"^(?:ENV)?\s+(\w+)=", DOCKERFILE, re.MULTILINE))
    for service in compose().values():
        used |= set(service.get("environment", {}))
    for document in manifests():
        if document["kind"] in ("ConfigMap", "Secret"):
            used |= set(document.get("data", {})) | set(document.get("stringData", {}))
    for _, pod in pods():
        for container in containers(pod):
            used |= {variable["name"] for variable in container.get("env", ())}
    ours = {name for name in used if OURS.match(name)}
    assert len(ours) > 15
    assert ours - known_variables() == set()


def test_dockerfile_copies_one_service_and_runs_as_nobody_special() -> None:
    service = DOCKERFILE.partition("AS service")[2]
    copied = re.findall(r"^COPY (\S+)", service, re.MULTILINE)
    assert copied == ["services/__init__.py", "services/${SERVICE}/"]
    assert "USER 10001:10001" in service
    assert "--require-hashes" in DOCKERFILE
    assert 'ENTRYPOINT ["/bin/sh", "-c", "exec python -m \\"services.$SERVICE\\""]' in service
    for name in SERVICES:
        assert (ROOT / "services" / name / "__main__.py").exists()
        assert str(port_of(name)) in service


def test_what_the_dockerfile_copies_is_in_the_context() -> None:
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in ignore if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert any(source.rstrip("/").startswith(start) for start in allowed), source


def test_native_ports_are_those_of_the_settings() -> None:
    assert {service: port_of(service) for service in SERVICES} == deploy.native.services.SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_the_health_check_asks_the_right_port(service: str) -> None:
    code = "import healthcheck; print(healthcheck.url())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=DEPLOY,
        env={"SERVICE": service, "PYTHONPATH": str(DEPLOY), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"http://127.0.0.1:{port_of(service)}/health/live/\n"


def test_the_health_check_tells_alive_from_dead() -> None:
    class Alive(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health/live/" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Alive) as server:
        port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        assert health_check(port) == 0
        server.shutdown()
        thread.join()
    assert health_check(port) == 1


def health_check(port: int) -> int:
    return subprocess.run(
        [sys.executable, DEPLOY / "healthcheck.py"],
        env={**os.environ, "SERVICE": "synth", "SYNTH_HTTP_PORT": str(port)},
        check=False,
    ).returncode
