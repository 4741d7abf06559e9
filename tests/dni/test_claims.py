import pytest

from tutorial_lib import ledger
from tutorial_lib.catalogue import EXPERIMENTS
from tutorial_lib.dni.claims import CLAIMS, COEFFICIENTS, niqe_at, trained_places


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.article[:30])
def test_claims_can_be_read_from_the_published_records(claim):
    assert claim.measured(ledger.read)


def test_the_coefficients_are_those_of_the_chapter_that_trained_them():
    prefix = "perception_distortion/adv_"
    names = [name.removeprefix(prefix) for name in EXPERIMENTS if name.startswith(prefix)]
    # Those with another content loss have its name after the coefficient.
    trained = [name for name in names if "_" not in name]
    assert sorted(trained) == sorted(COEFFICIENTS)
    places = trained_places(ledger.read)
    assert list(places) == list(COEFFICIENTS)
    assert len(set(places.values())) == len(COEFFICIENTS)


def test_niqe_between_two_stops():
    record = ledger.read("dni/path")
    walk = {"interpolated rmse": [10.0, 12.0, 11.0], "interpolated niqe": [7.0, 5.0, 4.0]}
    record.metrics["set14"] = walk
    assert niqe_at(record, "set14", 11.5, method="interpolated") == 5.5
    assert niqe_at(record, "set14", 12.5, method="interpolated") is None
