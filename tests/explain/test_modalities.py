"""Shapley values over modalities: by the mask and against a background."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.explain import background_game, mask_game, mixed, modality_shapley
from radiogen.models.fusion.examples import Examples, Pictures

NAN = float("nan")


def game(present: np.ndarray) -> np.ndarray:
    """B-mode 1, SWE 2, clinic 4, and 3 more for B-mode with SWE; 0.5 for all."""
    b, s, c = present.T.astype(float)
    return 0.5 + b + 2 * s + 4 * c + 3 * b * s


def test_the_interaction_is_shared_by_the_two():
    found = modality_shapley(game, 1, ["bmode", "swe", "clinical"], empty=0.5)
    assert found.values.iloc[0].tolist() == pytest.approx([2.5, 3.5, 4.0])
    assert found.base.tolist() == [0.5] and found.prediction.tolist() == [10.5]
    assert found.adds_up and found.note == ""
    pairs = found["interactions"].set_index(["first", "second"])["value"]
    assert pairs["bmode", "swe"] == pytest.approx(3) and pairs["bmode", "clinical"] == pytest.approx(0, abs=1e-12)
    # main effects 1, 2, 4 and 3 of interaction
    assert found["cross_modal"]["share"].tolist() == pytest.approx([3 / 10])


def test_what_a_unit_has_not_is_nan_and_not_zero():
    present = np.array([[True, True, False], [True, False, True], [False, False, False]])
    found = modality_shapley(game, 3, ["bmode", "swe", "clinical"], present, empty=0.5, units=["a", "b", "c"])
    np.testing.assert_allclose(found.values.to_numpy(), [[2.5, 3.5, NAN], [1, NAN, 4], [NAN, NAN, NAN]])
    pairs = found["interactions"]
    assert pairs.loc[(pairs.unit == "a") & (pairs.second == "clinical"), "value"].isna().all()
    assert np.isnan(found.prediction[2]) and found.adds_up
    assert "1 of 3 units" in found.note
    # who has one modality has no interaction
    assert found["cross_modal_unit"].set_index("unit")["share"].round(12).to_dict() == {
        "a": 0.5, "b": 0.0, "c": pytest.approx(NAN, nan_ok=True)
    }  # fmt: skip


def test_the_empty_set_is_the_base_and_never_asked():
    def predict(present: np.ndarray) -> np.ndarray:
        return np.where(present.any(axis=1), game(present), NAN)

    found = modality_shapley(predict, 1, ["bmode", "swe", "clinical"], empty=-1.0)
    assert found.base.tolist() == [-1.0]
    assert float(found.values.sum(axis=1).iloc[0]) == pytest.approx(11.5)


def test_a_stated_minimum_of_modalities():
    def predict(present: np.ndarray) -> np.ndarray:
        return np.where(present.sum(axis=1) >= 2, 1.0, NAN)

    # worth: 0 alone, 1 from two on; three alike players share 1
    found = modality_shapley(predict, 2, "abc", [[True] * 3, [True, False, False]], empty=0.0, min_modalities=2)
    assert found.values.iloc[0].tolist() == pytest.approx([1 / 3] * 3)
    assert found.values.iloc[1].isna().all()
    with pytest.raises(RadiogenError, match="not finite"):
        modality_shapley(predict, 1, "abc", empty=0.0)


def test_several_outputs():
    def predict(present: np.ndarray) -> np.ndarray:
        return np.column_stack([game(present), -game(present)])

    found = modality_shapley(predict, 2, ["bmode", "swe", "clinical"], empty=[0.5, -0.5], outputs=["yes", "no"])
    assert found.of("no").values.iloc[0].tolist() == pytest.approx([-2.5, -3.5, -4.0])
    assert found.of("no")["interactions"]["output"].unique().tolist() == ["no"]
    long = found.to_frame()
    assert len(long) == 12 and set(long["output"]) == {"yes", "no"}
    sums = long.groupby(["unit", "output"])[["value"]].sum()["value"]
    assert sums.to_numpy() == pytest.approx((long.groupby(["unit", "output"])["prediction"].first()
                                             - long.groupby(["unit", "output"])["base"].first()).to_numpy())  # fmt: skip


def test_ten_modalities():
    weights = np.arange(10.0)
    found = modality_shapley(lambda p: p @ weights, 3, [f"m{i}" for i in range(10)], empty=0.0)
    assert found.values.to_numpy() == pytest.approx(np.tile(weights, (3, 1)))
    with pytest.raises(RadiogenError) as error:
        modality_shapley(lambda p: p @ weights, 3, [f"m{i}" for i in range(11)], empty=0.0)
    assert error.value.code == "RG708"


def test_the_mask_needs_a_value_for_nothing():
    with pytest.raises(RadiogenError, match="`empty`"):
        modality_shapley(game, 1, ["bmode", "swe", "clinical"])


def cohort(values: list[list[float]], present: list[list[bool]]) -> Examples:
    x = np.array(values)
    units = np.array([f"u{i}" for i in range(len(x))])
    return Examples(units, ("bmode", "swe"), np.array(present), {"bmode": x[:, :1], "swe": x[:, 1:]})


def score(examples: Examples) -> np.ndarray:
    """2 B-mode + B-mode * SWE of what is there."""
    b = np.where(examples.present[:, 0], examples.tables["bmode"][:, 0], 0.0)
    s = np.where(examples.present[:, 1], examples.tables["swe"][:, 0], 0.0)
    return 2 * b + b * s


def test_against_a_background_by_hand():
    """x = (1, 3); background (0, 0), (2, 1) → f = 0 and 6, base 3.

    B-mode alone own: (2 + 0) and (2 + 1) → 2.5; SWE alone own: 0 and 4 + 6 → 5; both: 5.
    B-mode: ((2.5 - 3) + (5 - 5)) / 2 = -0.25; SWE: ((5 - 3) + (5 - 2.5)) / 2 = 2.25.
    """
    units = cohort([[1, 3]], [[True, True]])
    others = cohort([[0, 0], [2, 1]], [[True, True]] * 2)
    found = modality_shapley(background_game(score, units, others), 1, units.modalities, units.present, background=others.present)
    assert found.values.iloc[0].tolist() == pytest.approx([-0.25, 2.25])
    assert found.base.tolist() == [3.0] and found.prediction.tolist() == [5.0] and found.adds_up


def test_a_background_has_all_that_the_unit_has():
    """The first unit has both: only the second background unit stands in.  The second unit has B-mode alone: both do."""
    units = cohort([[1, 3], [1, NAN]], [[True, True], [True, False]])
    others = cohort([[4, NAN], [2, 1]], [[True, False], [True, True]])
    found = modality_shapley(background_game(score, units, others), 2, units.modalities, units.present, background=others.present)
    # base 6 of (2, 1); of B-mode alone (8 + 4) / 2
    assert found.base.tolist() == [6.0, 6.0]
    assert found.values["bmode"].tolist()[1] == pytest.approx(2 - 6) and np.isnan(found.values["swe"].iloc[1])
    lacking = cohort([[4, NAN]], [[True, False]])
    with pytest.raises(RadiogenError, match="no background unit has all the modalities of unit 0"):
        modality_shapley(background_game(score, units, lacking), 2, units.modalities, units.present, background=lacking.present)


def test_the_mask_of_examples():
    units = cohort([[1, 3], [1, NAN]], [[True, True], [True, False]])
    found = modality_shapley(mask_game(score, units), 2, units.modalities, units.present, empty=0.0)
    # B-mode alone 2, SWE alone 0, both 5
    np.testing.assert_allclose(found.values.to_numpy(), [[3.5, 1.5], [2.0, NAN]])


def test_mixed_units_take_pictures_and_curves_from_where_they_are_told():
    def with_pictures(first: int, owners: list[int]) -> Examples:
        pixels = np.arange(first, first + len(owners), dtype=np.uint8).reshape(-1, 1, 1, 1)
        return Examples(
            np.array(["a", "b"]), ("ceus", "grey"), np.ones((2, 2), dtype=bool), {"ceus": np.full((2, 1), float(first))},
            {"ceus": Pictures(pixels, np.array(owners)), "view": Pictures(pixels, np.array(owners))},
        )  # fmt: skip

    own, other = with_pictures(0, [0, 0, 1]), with_pictures(10, [1, 0, 1])
    found = mixed(own, other, [[1, -1], [-1, -2]], {"ceus": "ceus", "view": "grey"})
    assert found.pictures["ceus"].pixels.ravel().tolist() == [10, 12, 2]
    assert found.pictures["ceus"].owner.tolist() == [0, 0, 1]
    assert found.pictures["view"].pixels.ravel().tolist() == [0, 1]
    assert found.tables["ceus"].ravel().tolist() == [10.0, 0.0]
    assert found.present.tolist() == [[True, True], [True, False]]
    with pytest.raises(RadiogenError, match="'view' belongs to none"):
        mixed(own, other, [[1, -1], [-1, -2]])
