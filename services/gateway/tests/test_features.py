from libs.common.contracts.audio import AudioReady, VoicesAnnounced
from libs.common.contracts.documents import PageExtracted
from services.gateway.features import FEATURES
from services.gateway.kernel.record import Feature, consumed

NAMES = [feature.name for feature in FEATURES]


def test_what_several_features_take_is_taken_once():
    one = Feature(name="one", routes=(PageExtracted, AudioReady))
    other = Feature(name="other", routes=(AudioReady, VoicesAnnounced))
    assert consumed([one, other]) == (PageExtracted, AudioReady, VoicesAnnounced)


def test_names_and_tables_are_of_one_feature_each():
    assert len(NAMES) == len(set(NAMES))
    tables = [table.name for feature in FEATURES for table in feature.tables]
    assert len(tables) == len(set(tables))
    for feature in FEATURES:
        assert set(feature.read_models) <= set(feature.tables)


def test_a_feature_takes_the_events_that_it_does_something_about():
    for feature in FEATURES:
        known = {*feature.folds, *feature.reactions}
        foreign = {event for event in known if event.producer != "gateway"}
        assert set(feature.routes) == foreign, feature.name
