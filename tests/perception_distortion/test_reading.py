import math

import numpy as np
import pytest

from tutorial_lib import ledger
from tutorial_lib.perception_distortion import reading
from tutorial_lib.perception_distortion.text_page import text_page


def read(name):
    try:
        return ledger.read(f"perception_distortion/{name}")
    except ledger.LedgerError as error:
        pytest.skip(str(error))


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """From scores and readings to a record that holds them."""
    monkeypatch.setenv("TUTORIAL_LIB_RESULTS", str(tmp_path))

    def record(name, squares, niqes, readings=""):
        folder = tmp_path / "perception_distortion" / name
        folder.mkdir(parents=True)
        lines = ["set,picture,measure,value"]
        for measure, values in (("mse_pirm", squares), ("niqe", niqes)):
            lines += [f"bsd100,{k},{measure},{value}" for k, value in enumerate(values)]
            lines += [f"set14,{k},{measure},99" for k in range(3)]
        (folder / "scores.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "readings.txt").write_text(readings, encoding="utf-8")
        means = {"rmse": math.sqrt(np.mean(squares)), "niqe": float(np.mean(niqes))}
        return ledger.write(
            ledger.Record(
                experiment=f"perception_distortion/{name}",
                profile="book",
                config={},
                seed=0,
                steps=0,
                steps_planned=0,
                device="",
                precision="",
                seconds=0,
                metrics={"bsd100": means},
                protocol={},
                artefacts={"scores.csv": "", "readings.txt": ""},
            ),
            folder,
        )

    return record


@pytest.mark.parametrize("name", [f"adv_{c}" for c in reading.COEFFICIENTS] + ["bicubic"])
def test_records_agree_with_their_pictures_scores(name):
    record = read(name)
    for group, count in (("set14", 14), ("bsd100", 100)):
        errors = reading.recorded_scores(record, group, "mse_pirm")
        assert len(errors) == count
        assert record.metric(group, "rmse") == pytest.approx(
            np.mean(list(errors.values())) ** 0.5, abs=1e-3
        )


@pytest.mark.parametrize("name", reading.TITLES)
def test_records_agree_with_what_was_read(name):
    record = read(name)
    wanted, found = reading.recorded_readings(record)
    share = np.mean([a == b for a, b in zip(wanted, found, strict=True)])
    assert record.metric("page", "read") == pytest.approx(share)
    assert wanted == "".join(letter.text for letter in text_page()[1])


def test_every_trained_point_has_one_to_be_compared_with():
    trained = [name for name in reading.TITLES if name.startswith("adv_") and name != "adv_0"]
    assert sorted(reading.AGAINST) == sorted(trained)
    assert set(reading.AGAINST.values()) <= set(reading.TITLES)


def test_available_keeps_the_order_and_leaves_out_what_is_not_there(made_up):
    made_up("srgan", [1], [1])
    made_up("bicubic", [1], [1])
    assert list(reading.available(("bicubic", "adv_0", "srgan"))) == ["bicubic", "srgan"]


def test_place_has_errors_over_pictures(made_up):
    found = reading.place(made_up("srgan", [1.0, 4.0, 7.0], [2.0, 3.0, 4.0]), "bsd100")
    assert found["mse"] == pytest.approx((4, 3**0.5))
    assert found["rmse"] == pytest.approx((2, 3**0.5 / 4))
    assert found["niqe"] == pytest.approx((3, 1 / 3**0.5))


def test_paired_differences_leave_the_common_spread_out(made_up):
    base = made_up("adv_0", [1.0, 100.0, 10_000.0], [3.0, 9.0, 27.0])
    moved = made_up("adv_1e-3", [4.0, 121.0, 10_201.0], [2.0, 8.0, 26.0])
    found = reading.paired(moved, base, "bsd100")
    assert found["rmse"] == pytest.approx((1, 0))
    assert found["niqe"] == pytest.approx((-1, 0))
    assert reading.paired(base, moved, "bsd100")["rmse"] == pytest.approx((-1, 0))


def test_beaten_by_asks_for_both_measures_and_leaves_photographs_out(made_up):
    records = {
        "photographs": made_up("photographs", [0.0], [1.0]),
        "close": made_up("close", [1.0], [5.0]),
        "natural": made_up("natural", [9.0], [2.0]),
        "worse": made_up("worse", [16.0], [5.0]),
        "worst": made_up("worst", [25.0], [9.0]),
    }
    assert reading.beaten_by(records, "close", "bsd100") == []
    assert reading.beaten_by(records, "worse", "bsd100") == ["natural"]
    assert reading.beaten_by(records, "worst", "bsd100") == ["close", "natural", "worse"]


def test_lost_decibels(made_up):
    base, worse = made_up("base", [1.0], [1.0]), made_up("worse", [10.0], [1.0])
    assert reading.lost_decibels(worse, base, "bsd100") == pytest.approx(10)


def test_letters_by_size_and_by_line(made_up):
    letters = text_page()[1]
    wanted = "".join(letter.text for letter in letters)
    largest = max(letter.size for letter in letters)
    found = "".join("x" if k.size == largest else k.text for k in letters)
    found = found.replace("Tel56", "fel5b")
    record = made_up("srgan", [1], [1], f"{wanted}\n{found}\n")
    shares = reading.read_by_size(record)
    assert list(shares) == [36, 28, 22, 20, 18, 16, 14]
    assert shares[36] == 0
    assert shares[28] == shares[14] == 1
    assert shares[20] == pytest.approx(1 - 2 / 17)
    assert reading.line_as_read(record, "Tel") == ("fel5b-981-7423-05", 2)
    with pytest.raises(ValueError, match="no line of the page begins with 'Fax'"):
        reading.line_as_read(record, "Fax")


def test_best_names_all_of_a_tie():
    assert reading.best({"a": 1.0, "b": 2.0, "c": 2.0}) == ["b", "c"]
    assert reading.best({"a": 1.0, "b": 1.0 - 1e-9}) == ["a"]
