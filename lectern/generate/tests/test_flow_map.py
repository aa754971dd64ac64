from lectern.generate.asyncapi import Services
from lectern.generate.flow_map import event_table, flowchart, kept, service_table
from libs.common.contracts.audio import AudioProgressed, AudioReady
from libs.common.contracts.catalog import every_event
from libs.common.contracts.documents import DocumentSubmitted, PageExtracted
from libs.common.contracts.tasks import TaskFailed

PUBLISHERS: Services = {
    "gateway": (DocumentSubmitted, TaskFailed),
    "ingest": (PageExtracted, TaskFailed),
    "synth": (AudioProgressed, AudioReady, TaskFailed),
}
CONSUMERS: Services = {
    "gateway": (PageExtracted, AudioProgressed, AudioReady, TaskFailed),
    "ingest": (DocumentSubmitted,),
}


def test_the_chart():
    assert flowchart(PUBLISHERS, CONSUMERS) == (
        "flowchart LR\n"
        "    gateway[gateway]\n"
        "    ingest[ingest]\n"
        "    synth[synth]\n"
        '    gateway -->|"document.submitted"| ingest\n'
        '    ingest -->|"page.extracted"| gateway\n'
        '    synth -->|"audio.progressed<br/>audio.ready"| gateway\n'
        "    any([any service])\n"
        '    any -.->|"task.failed"| gateway\n'
        "    strangers([whoever subscribes])\n"
        '    synth ==>|"audio.ready"| strangers\n'
    )


def test_a_single_service_has_no_others_to_share_with():
    chart = flowchart({"gateway": (DocumentSubmitted,)}, {"ingest": (DocumentSubmitted,)})
    assert chart == (
        "flowchart LR\n"
        "    gateway[gateway]\n"
        "    ingest[ingest]\n"
        '    gateway -->|"document.submitted"| ingest\n'
    )


def test_the_table_of_services():
    assert service_table(PUBLISHERS, CONSUMERS).splitlines() == [
        "| service | consumes | publishes |",
        "|---|---|---|",
        "| gateway | `page.extracted`, `audio.progressed`, `audio.ready`, `task.failed` "
        "| `document.submitted`, `task.failed` |",
        "| ingest | `document.submitted` | `page.extracted`, `task.failed` |",
        "| synth |  | `audio.progressed`, `audio.ready`, `task.failed` |",
    ]


def test_the_table_of_events():
    lines = event_table(PUBLISHERS, CONSUMERS).splitlines()
    assert len(lines) == 2 + len(every_event())
    assert len({line.count("|") for line in lines}) == 1
    rows = {line.split("`")[1]: line for line in lines[2:]}
    assert list(rows) == [event.topic for event in every_event()]
    tail = "| synth | gateway | `document_id` | `audio/{audio_id}` | 12 | for ever | 1 |"
    assert rows["audio.ready"].endswith(tail)
    assert rows["audio.ready"].startswith("| `audio.ready` (public) | A page can be heard")
    assert "| every service | gateway |" in rows["task.failed"]
    assert "| nobody yet | nobody yet |" in rows["page.edited"]
    assert "| 1 day |" in rows["audio.progressed"]


def test_how_long_topics_are_kept():
    assert kept(AudioReady) == "for ever"
    assert kept(AudioProgressed) == "1 day"

    class Longer(AudioProgressed):
        retention_ms = 36 * 60 * 60 * 1000

    assert kept(Longer) == "1.5 days"
