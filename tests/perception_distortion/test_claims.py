from dataclasses import replace

import pytest

from tutorial_lib import ledger
from tutorial_lib.perception_distortion.claims import CLAIMS


@pytest.fixture
def sentences():
    """From a change of records to what the claims then say."""

    def found(change=lambda name, metrics: metrics):
        def read(name):
            record = ledger.read(name)
            return replace(record, metrics=change(name.split("/")[1], record.metrics))

        try:
            return [claim.measured(read) for claim in CLAIMS]
        except ledger.LedgerError as error:
            pytest.skip(str(error))

    return found


def reads(**shares):
    """Letters of the page read at each coefficient, others being none."""

    def change(name, metrics):
        share = shares.get(name.removeprefix("adv_").replace("-", "_"), 0.0)
        return {**metrics, "page": {**metrics["page"], "read": share, "letters": 100.0}}

    return change


def test_a_tie_is_no_win(sentences):
    best, reading = (sentences(reads(**{"0": 0.5, "3e_4": 0.5}))[k] for k in (2, 4))
    assert best.endswith("most letters of the page are read at 0 and 3e-4")
    assert reading == (
        "the best coefficient above 0 for reading is 3e-4: of 100, as many letters as without an "
        "adversary"
    )
    both = sentences(reads(**{"0": 0.5, "1e_4": 0.4, "1e_2": 0.4}))[4]
    assert both.endswith("is 1e-4 and 1e-2: of 100, 10 letters fewer than without one")


def test_every_claim_has_its_answer_in_the_records(sentences):
    assert all(len(sentence) > 20 for sentence in sentences())
