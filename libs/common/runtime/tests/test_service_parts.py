from dataclasses import MISSING, fields

from libs.common.runtime.service_parts import ServiceParts


def test_only_what_every_service_has_must_be_given():
    optional = {
        field.name
        for field in fields(ServiceParts)
        if field.default is not MISSING or field.default_factory is not MISSING
    }
    assert optional == {"resources", "starting", "http_routes", "checks", "keep_events", "works"}
