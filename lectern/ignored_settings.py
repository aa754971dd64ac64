"""Settings that standalone does not use, though the environment may hold them."""

from collections.abc import Iterator, Mapping

from lectern.service_catalog import SERVICES
from lectern.standalone import LIMITS, Options, common_overrides, service_settings
from libs.common.settings import CommonSettings, variable

OF_OTHERS = ("kafka_", "topic_", "s3_")
"""How settings begin of what standalone has none of: a broker and a bucket of somebody else's."""
INSTEAD = {
    "log_level": "use --log-level",
    "bind_host": "use --host",
    "http_port": "use --port, from which the other services count on",
    "database_url": "it keeps all in SQLite files of its own, below --data",
    "storage_url": "it keeps all objects below --data",
    "kafka_bootstrap_servers": "it has a broker of its own",
    "metrics_port": "it has /metrics beside the other pages of each service",
}


def warnings(options: Options, environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each setting of the environment that standalone does not use."""
    return [
        f"warning: {name} is not used by standalone{instead and f'; {instead}'}"
        for name, instead in ignored(options).items()
        if environment.get(name)
    ]


def ignored(options: Options) -> dict[str, str]:
    """Return the variables that standalone does not use, and what to do instead, if anything."""
    return {name: INSTEAD.get(field, "") for name, field in _ignored(options)}


def _ignored(options: Options) -> Iterator[tuple[str, str]]:
    common = set(common_overrides(options, ""))
    common |= {name for name in CommonSettings.model_fields if name.startswith(OF_OTHERS)}
    for field in sorted(common):
        yield variable(CommonSettings, field), field
    for spec in SERVICES:
        own = {"database_pooler", *service_settings(options, spec.name)}
        for field in sorted(own - set(LIMITS) - {"public_url"}):
            yield variable(spec.settings, field), field
