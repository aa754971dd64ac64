import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from libs.common.observability.metrics import Metrics, every_metric, render_docs


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_every_sample_names_its_service():
    metrics = Metrics("ingest")
    metrics.events_consumed_total.labels(topic="page.edited", outcome="done").inc(2)
    metrics.outbox_unsent.set(7)
    metrics.job_seconds.labels(kind="parse", outcome="done").observe(1.5)
    found = samples(metrics)
    labels = {("service", "ingest"), ("topic", "page.edited"), ("outcome", "done")}
    assert found["events_consumed_total", frozenset(labels)] == 2
    assert found["outbox_unsent", frozenset({("service", "ingest")})] == 7
    assert all(("service", "ingest") in labels for _, labels in found)


def test_services_of_one_process_do_not_share_figures():
    one, other = Metrics("ingest"), Metrics("synth")
    one.relay_sent_total.inc()
    service = frozenset({("service", "synth")})
    assert samples(other)["relay_sent_total", service] == 0


def test_scraping_changes_nothing():
    metrics = Metrics("ingest")
    first = {name for name, _ in samples(metrics)}
    assert {name for name, _ in samples(metrics)} == first
    assert not any(name.endswith("_created") for name in first)
    assert {"process_resident_memory_bytes", "python_info"} <= first


def test_an_unknown_label_is_refused():
    with pytest.raises(ValueError, match="label"):
        Metrics("ingest").dead_letters_total.labels(subject="x")


@pytest.mark.parametrize("metric", every_metric(), ids=lambda metric: metric.name)
def test_every_metric_is_explained_and_named_for_what_it_is(metric):
    assert metric.unit
    assert metric.meaning.endswith(".")
    assert metric.name.endswith("_total") == (metric.kind.__name__ == "Counter")


def test_the_table_has_a_row_for_each():
    rows = render_docs().splitlines()
    assert len(rows) == 2 + len(list(every_metric()))
    assert "| `jobs_ready` | gauge | jobs |  | Jobs that are due and wait for a worker. |" in rows
