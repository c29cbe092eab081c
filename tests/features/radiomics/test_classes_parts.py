"""Parts of the native feature classes against plainer ways to the same numbers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from radiogen.compiled import compiled
from radiogen.errors import RadiogenError
from radiogen.features.radiomics.classes.discretise import bin_edges, level_map
from radiogen.features.radiomics.classes.firstorder import order_statistics
from radiogen.features.radiomics.classes.glszm import count_zones
from radiogen.features.radiomics.classes.inputs import Inputs, Levels
from radiogen.features.radiomics.classes.mcc import correlation_coefficients, second_eigenvalue
from radiogen.features.radiomics.classes.offsets import lengths, neighbour_offsets
from radiogen.features.radiomics.classes.registry import FAMILIES, chosen, measure
from radiogen.features.radiomics.classes.rounding import as_laid_out
from radiogen.features.radiomics.filtered import FilteredImage
from radiogen.features.radiomics.names import FEATURES


def filtered(image: Any, name: str = "original", **setting: Any) -> FilteredImage:
    image = np.asarray(image)
    return FilteredImage(name, image, np.ones(image.shape, bool), (1.0, 1.0), setting)


# -- grey levels ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("setting", [{"binWidth": 5}, {"binWidth": 0.3}, {"binWidth": 25}, {"binCount": 7}, {"binCount": 128}, {}])
def test_levels_are_numpys_digitize_to_the_bit(setting: dict[str, Any], dtype: type) -> None:
    """Values on and next to the edges among them; in single precision edges and values are single."""
    rng = np.random.default_rng(1)
    for values in (rng.normal(0, 40, 500), rng.integers(0, 60, 500) * 0.3, np.full(4, 12.5), np.array([-1e-20, 0.0, 10.0])):
        edges = bin_edges(values.astype(dtype), setting)
        values = np.concatenate([values.astype(dtype), np.nextafter(edges[1:-2], dtype(-1e9)), edges[1:-2]]).astype(dtype)
        edges = bin_edges(values, setting)
        levels = np.zeros((3, len(values) + 2), np.int32)
        counts = level_map(values[None].astype(float), np.ones((1, len(values)), bool), edges.astype(float), levels, 1)
        expected = np.digitize(values, edges)
        assert np.array_equal(levels[1, 1:-1], expected)
        assert np.array_equal(counts, np.bincount(expected - 1, minlength=len(counts)))


def test_the_largest_value_is_in_the_last_of_a_number_of_bins_and_in_a_bin_of_its_own_on_an_edge() -> None:
    assert np.digitize([0.0, 4.9, 10.0], bin_edges(np.array([0.0, 10.0]), {"binCount": 2})).tolist() == [1, 1, 2]
    assert np.digitize([0.0, 9.9, 10.0], bin_edges(np.array([0.0, 10.0]), {"binWidth": 5})).tolist() == [1, 2, 3]


def test_images_of_itk_in_single_precision_are_binned_in_it() -> None:
    """0.3 in single precision is above 0.3: at width 0.1 the edges of single and double precision part them differently."""
    values = np.array([[0.0, 0.1], [0.2, 0.3]], np.float32)
    found = {}
    for name in ("original", "log-sigma-1-0-mm-3D", "gradient"):
        found[name] = Inputs(filtered(values.astype(float), name, binWidth=0.1)).levels.padded[1:-1, 1:-1].ravel().tolist()
    single = np.digitize(values.ravel(), bin_edges(values.ravel(), {"binWidth": 0.1})).tolist()
    assert found["gradient"] == found["log-sigma-1-0-mm-3D"] == single
    assert found["original"] == np.digitize(values.ravel().astype(float), bin_edges(values.ravel().astype(float), {"binWidth": 0.1})).tolist()


def test_ranks_leave_out_levels_that_are_not_there() -> None:
    levels = Inputs(filtered([[1.0, 9.0], [4.0, 9.0]], binWidth=1)).levels
    assert levels.present.tolist() == [1, 4, 9] and levels.highest == 9 and levels.counts.tolist() == [1, 1, 2]
    assert levels.codes[1:-1, 1:-1].tolist() == [[1, 3], [2, 3]] and levels.padded[1:-1, 1:-1].tolist() == [[1, 9], [4, 9]]
    assert levels.codes[0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("image", "setting", "code"), [
    ([[np.nan, 1.0], [2.0, 3.0]], {}, "RG516"), ([[0.0, 1.0], [2.0, 3.0]], {"distances": [2]}, "RG510"),
    ([[0.0, 1.0], [2.0, 3.0]], {"distances": [0]}, "RG104"), ([[0.0, 1.0], [2.0, 3.0]], {"distances": [1.5]}, "RG104"),
    (np.arange(8100.0).reshape(90, 90), {"binWidth": 1}, "RG516"), ([[0.0, 1.0], [2.0, 1e30]], {"binWidth": 1}, "RG516"),
    ([[1.0, np.nextafter(1.0, 2)], [1.0, 1.0]], {"binCount": 8}, "RG516"),
])  # fmt: skip
def test_what_cannot_be_discretised_is_refused(image: Any, setting: dict[str, Any], code: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        measure(filtered(image, **setting), {"ngtdm": ("Contrast",)})
    assert caught.value.code == code


# -- order, neighbours, zones ---------------------------------------------------------------


def test_order_statistics_are_those_of_the_sorted_values() -> None:
    rng = np.random.default_rng(2)
    kinds: list[np.ndarray] = [
        rng.normal(size=301), rng.integers(0, 5, 64) * 1.0, np.append(rng.normal(size=50), 1e12), np.full(9, 2.5), np.array([0.0, 5e-324]),
    ]  # fmt: skip
    for values in kinds:
        ranks = np.unique(rng.integers(0, len(values), 7))
        assert np.array_equal(order_statistics(values, ranks, values.min(), values.max()), np.sort(values)[ranks])


def test_percentiles_are_numpys() -> None:
    rng = np.random.default_rng(3)
    for size in (2, 3, 11, 30, 64, 257):
        values = rng.normal(size=(1, size))
        found = measure(filtered(values), {"firstorder": ("10Percentile", "90Percentile", "InterquartileRange", "Median")})
        low, lower, median, upper, high = np.percentile(values, [10, 25, 50, 75, 90])
        assert found["firstorder_10Percentile"] == low and found["firstorder_90Percentile"] == high
        assert found["firstorder_InterquartileRange"] == upper - lower and found["firstorder_Median"] == pytest.approx(median, rel=1e-15)


def test_offsets_and_their_lengths() -> None:
    both = neighbour_offsets((5, 5), (2,), both=True)
    assert len(both) == 16 and (both.sum(axis=0) == 0).all() and (np.abs(both).max(axis=1) == 2).all()
    assert neighbour_offsets((2, 9), (2,), both=False).tolist() == [[1, 2], [1, -2], [0, 2]]  # two rows are too few for a step of two
    assert len(neighbour_offsets((5, 5), (1, 1), both=False)) == 8  # named twice
    steps = np.array([[1, -2]])
    found = [lengths(steps, (0.5, 0.25), norm) for norm in ("infinity", "euclidean", "manhattan")]
    assert [float(x[0]) for x in found if x is not None] == pytest.approx([0.5, np.sqrt(0.5), 1.0])
    assert lengths(steps, (0.5, 0.25), "no_weighting") is None


def test_zones_are_connected_components() -> None:
    from scipy.ndimage import label

    rng = np.random.default_rng(4)
    for _ in range(20):
        codes = rng.integers(0, 4, (17, 13)).astype(np.int32)
        codes[:, 6] = rng.integers(0, 2, 17)  # thin bridges
        padded = np.pad(codes, 1)
        expected: dict[tuple[int, int], float] = {}
        for level in range(1, 4):
            zones, number = label(codes == level, np.ones((3, 3)))
            for size in np.bincount(zones.ravel())[1 : number + 1]:
                expected[level - 1, int(size)] = expected.get((level - 1, int(size)), 0) + 1
        sizes, found, number = count_zones(padded, 1, 3)
        assert dict(zip(zip(found.tolist(), sizes.tolist(), strict=True), number.tolist(), strict=True)) == expected


# -- maximal correlation --------------------------------------------------------------------


def some_levels(n: int, highest: int | None = None) -> Levels:
    """n levels, of which the last is ``highest``; no image."""
    present = np.arange(1.0, n + 1)
    present[-1] = highest or n
    return Levels(np.zeros((0, 0), np.int32), np.zeros((0, 0), np.int32), 1, present, np.ones(n, np.int64))


def second_of_all(p: np.ndarray) -> float:
    """Second largest eigenvalue of Haralick's Q."""
    px, py = p.sum(axis=1), p.sum(axis=0)
    return float(np.sort(np.linalg.eigvals((p / (np.outer(px, py) + np.spacing(1.0))) @ p.T).real)[-2])


@pytest.mark.parametrize("n", [2, 3, 8, 40])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("spread", [0.02, 0.1, 1.0])
def test_second_eigenvalue(n: int, symmetric: bool, spread: float) -> None:
    rng = np.random.default_rng(n)
    x = rng.normal(0.5, 0.17, 20000)
    i, j = (np.clip((v * n).astype(int), 0, n - 1) for v in (x, x + rng.normal(0, spread, len(x))))
    p = np.zeros((n, n))
    np.add.at(p, (i, j), 1)
    p = p + p.T if symmetric else p
    p = p[:, p.sum(axis=0) + p.sum(axis=1) > 0][p.sum(axis=0) + p.sum(axis=1) > 0]
    p /= p.sum()
    assert second_eigenvalue(p, np.arange(1.0, len(p) + 1)) == pytest.approx(second_of_all(p), rel=1e-9)


def test_second_eigenvalue_of_a_rare_pair_of_levels_carries_pyradiomics_small_number() -> None:
    """Levels 1 and 2 are met once, and only together: without the small number in the divisor the value is 1 exactly."""
    p = np.zeros((4, 4))
    p[2:, 2:] = [[4e5, 1e5], [1e5, 4e5]]
    p[0, 1] = p[1, 0] = p[0, 2] = p[2, 0] = 1
    p /= p.sum()
    expected = second_of_all(p)
    assert correlation_coefficients(p[None], some_levels(4)) == pytest.approx(np.sqrt(expected), rel=1e-9)
    r = np.sqrt(p.sum(axis=1))
    assert abs(np.sort(np.linalg.svd(p / np.outer(r, r))[1])[-2] ** 2 / expected - 1) > 1e-9  # so the term matters here


@pytest.mark.parametrize("apart", [1e-3, 1e-5, 1e-6, 1e-7, 1e-8])
def test_leading_eigenvalues_close_to_each_other(apart: float) -> None:
    """A matrix made of cosines, p = (1 + n Σ s u uᵀ) / n², has the eigenvalues s²: known without computing them."""
    n = 150
    k = np.arange(1, 60)
    u = np.sqrt(2 / n) * np.cos(np.pi * np.outer(np.arange(n) + 0.5, k) / n)
    s = 0.15 * 0.5 ** np.maximum(k / 4 - 0.5, 0)
    s[0], s[2] = 0.2, 0.2 * (1 - apart)
    p = (1 / n + u @ np.diag(s / 2) @ u.T) / n
    assert p.min() > 0
    assert correlation_coefficients(p[None], some_levels(n)) == pytest.approx(0.1, rel=1e-9)


def test_where_the_iteration_comes_to_no_end_all_eigenvalues_are_computed() -> None:
    """A walk over 400 levels that stays with 0.8 and else goes one up or down has the coefficient 0.8 + 0.2 cos(π / 400)."""
    n = 400
    p = 0.8 * np.eye(n) + 0.1 * np.eye(n, k=1) + 0.1 * np.eye(n, k=-1)
    p[0, 0] = p[-1, -1] = 0.9
    assert np.isnan(second_eigenvalue(p / n, np.arange(1.0, n + 1)))
    assert correlation_coefficients(p[None] / n, some_levels(n)) == pytest.approx(0.8 + 0.2 * np.cos(np.pi / n), rel=1e-9)


def test_eigenvalues_that_coincide_or_vanish() -> None:
    blocks = np.kron(np.eye(3), np.full((2, 2), 1 / 12))  # three pairs of levels that never meet: eigenvalue 1 three times
    assert np.isnan(second_eigenvalue(blocks, np.arange(1.0, 7.0)))
    assert correlation_coefficients(blocks[None], some_levels(6)) == pytest.approx(1)
    independent = np.outer([0.2, 0.3, 0.5], [0.2, 0.3, 0.5])
    found = correlation_coefficients(independent[None], some_levels(3))
    assert abs(found) < 1e-7 or np.isnan(found)  # the root of a rounding error, of either sign
    assert correlation_coefficients(np.ones((4, 1, 1)), some_levels(1)) == 1


@pytest.mark.parametrize("missing", [[], [3], [2, 5], [1, 4, 6]])
def test_layout_in_memory_is_that_of_numpy_delete(missing: list[int]) -> None:
    n = 7 - len(missing)
    whole = np.zeros((1, 7, 7, 4))
    for axis in (1, 2):
        whole = np.delete(whole, np.array(missing, int), axis)
    assert as_laid_out(np.zeros((4, n, n)), some_levels(n, 7)).strides[1:] == whole.strides[1:]


# -- the registry ---------------------------------------------------------------------------


def test_registry_names_every_class_and_every_feature() -> None:
    assert {family.name for family in FAMILIES} == set(FEATURES)
    image = np.random.default_rng(5).normal(0, 20, (9, 8))
    found = measure(filtered(image, binWidth=5), chosen({name: [] for name in FEATURES}))
    assert list(found) == [f"{family}_{feature}" for family, features in FEATURES.items() for feature in features]
    assert np.isfinite(list(found.values())).all()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_prepares_nothing_but_what_it_says_it_needs(family: Any) -> None:
    inputs = Inputs(filtered(np.arange(30.0).reshape(5, 6), binWidth=4))
    family.compute(inputs, FEATURES[family.name])
    prepared = {name for name in ("values", "levels", "distances") if name in vars(inputs)}
    assert prepared <= {*family.needs, *({"values", "distances"} if "levels" in family.needs else ())}
    assert "mask" in family.needs or prepared >= set(family.needs)


def test_only_what_is_wanted_is_done() -> None:
    """The mean of values without bins, even where a discretisation would be refused."""
    found = measure(filtered(np.arange(8100.0).reshape(90, 90), binWidth=1), {"firstorder": ("Mean",)})
    assert found == {"firstorder_Mean": 4049.5}


def test_input_is_left_as_it_is_and_the_answer_is_repeatable() -> None:
    image = np.random.default_rng(6).normal(0, 20, (12, 11))
    before, given = image.copy(), filtered(image, binCount=8)
    wanted = chosen({name: [] for name in FEATURES})
    assert measure(given, wanted) == measure(given, wanted)
    assert np.array_equal(image, before)


def test_a_picture_that_cannot_be_written_to_and_lies_by_columns() -> None:
    image = np.random.default_rng(7).normal(0, 20, (12, 11))
    turned = np.asfortranarray(image)
    turned.setflags(write=False)
    wanted = chosen({name: [] for name in FEATURES})
    assert measure(filtered(turned, binWidth=5), wanted) == measure(filtered(image, binWidth=5), wanted)


def test_too_many_distances_for_the_memory() -> None:
    with pytest.raises(RadiogenError) as caught:
        measure(filtered(np.arange(3600.0).reshape(60, 60), binWidth=1, distances=[1, 2]), {"glcm": ("Contrast",)})
    assert caught.value.code == "RG516"


def test_kernels_are_compiled_where_they_cannot_be_kept() -> None:
    """A function that lies in no file has no place in numba's cache."""
    names: dict[str, Any] = {}
    exec("def double(x):\n    return 2 * x", names)
    assert compiled(names["double"])(21) == 42


def test_radiogen_is_imported_without_numba() -> None:
    code = "import sys, radiogen, radiogen.features.radiomics; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
