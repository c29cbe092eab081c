"""Graphs of regions: features and borders counted by hand, and a classifier that tells what was planted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone

from radiogen.errors import RadiogenError
from radiogen.models import RegionGraphClassifier, region_graph
from radiogen.models.graphs.regions import RegionGraph, _borders, _roughness


def _disc(side: int = 60, radius: float = 14.0) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return (rows - side // 2) ** 2 + (columns - side // 2) ** 2 < radius**2


def test_borders_and_roughness_by_hand() -> None:
    labels = np.array([[0, 0, 1], [2, 2, 1], [-1, 3, 3]])
    # 0-1, 0-2, 2-1, 2-3, 1-3, both ways; nothing with -1
    assert _borders(labels).T.tolist() == [[0, 1], [0, 2], [1, 0], [1, 2], [1, 3], [2, 0], [2, 1], [2, 3], [3, 1], [3, 2]]
    grey = np.array([[1.0, 4, 0], [2, 2, 6], [9, 5, 5]])
    # inside the regions: 1-4; 0-6 (below one another); 2-2; 5-5
    assert _roughness(grey, labels, 4).tolist() == [3.0, 6.0, 0.0, 0.0]


def test_a_lesion_of_one_region_by_hand() -> None:
    mask = np.zeros((20, 20), bool)
    mask[8:12, 8:12] = True
    grey = np.full((20, 20), 7.0)
    grey[8:12, 8:10], grey[8:12, 10:12] = 2.0, 4.0
    graph = region_graph(grey, mask, lesion_regions=1, ring_regions=1, ring_width=0.1)
    node = dict(zip(graph.names, graph.nodes[0], strict=True))
    radius = np.sqrt(16 / np.pi)
    # 12 pixels at the border (distance 1) and 4 in the middle (2); half of the pixels have 2 and half 4: one bit;
    # pairs in the lesion: 8 across the step would be 4 of 24
    assert node["mean"] == 3 and node["sd"] == 1 and node["entropy"] == pytest.approx(1)
    assert node["roughness"] == pytest.approx(4 * 2 / 24)
    assert node["distance"] == pytest.approx(-(12 * 1 + 4 * 2) / 16 / radius)
    assert node["below"] == 0 and node["size"] == 1 and node["inside"] == 1
    # a ring of one pixel: the 16 that touch a side of the lesion
    assert (graph.labels == 1).sum() == 16 and graph.nodes[1][graph.names.index("mean")] == 7
    assert graph.edges.tolist() == [[0, 1], [1, 0]]


def test_regions_never_cross_the_border_and_cover_all() -> None:
    mask = _disc()
    picture = np.random.default_rng(0).normal(100, 20, mask.shape)
    graph = region_graph(picture, mask)
    assert (graph.labels[mask] >= 0).all()
    inside = graph.inside[graph.labels[mask]]
    ring_labels = graph.labels[~mask & (graph.labels >= 0)]
    assert inside.all() and not graph.inside[ring_labels].any()
    assert sorted(np.unique(graph.labels)) == list(range(-1, len(graph.nodes)))
    assert graph.inside.sum() > 8 and (~graph.inside).sum() > 5
    assert {tuple(e) for e in graph.edges.T} == {tuple(e) for e in graph.edges[::-1].T}


def test_no_chance_and_relative_lengths() -> None:
    mask, picture = _disc(), np.random.default_rng(1).normal(100, 20, (60, 60))
    np.random.seed(1)
    first = region_graph(picture, mask)
    np.random.seed(2)
    again = region_graph(picture, mask)
    assert np.array_equal(first.nodes, again.nodes) and np.array_equal(first.edges, again.edges)
    spaced = region_graph(picture, mask, spacing_mm=0.07)
    assert np.allclose(spaced.nodes, first.nodes)
    bits = [first.names.index(n) for n in ("mean", "sd")]
    brighter = region_graph(picture + 50, mask)
    assert np.allclose(brighter.nodes[:, bits[0]], first.nodes[:, bits[0]] + 50)
    assert np.allclose(brighter.nodes[:, bits[1]], first.nodes[:, bits[1]])


def test_pixels_that_are_not_known_belong_to_no_region() -> None:
    mask, picture = _disc(), np.full((60, 60), 5.0)
    picture[20:40, 30:] = np.nan
    graph = region_graph(picture, mask)
    assert (graph.labels[np.isnan(picture)] == -1).all()
    assert np.isfinite(graph.nodes).all() and (graph.nodes[:, 0] == 5).all()


def test_colours_have_features_per_channel() -> None:
    mask = _disc()
    picture = np.dstack([np.full(mask.shape, v) for v in (1.0, 2.0, 3.0)])
    graph = region_graph(picture, mask, lesion_regions=4, ring_regions=3)
    assert [graph.nodes[0][graph.names.index(f"mean_{k}")] for k in range(3)] == [1, 2, 3]


def test_large_pictures_and_lesions_at_the_edge() -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((500, 300), bool)
    mask[:420, 40:] = True
    graph = region_graph(rng.normal(100, 20, mask.shape), mask)
    assert (graph.labels[mask] >= 0).all() and graph.inside.sum() > 10
    full = region_graph(rng.normal(100, 20, (30, 30)), np.ones((30, 30), bool))
    assert full.inside.all() and (full.nodes[:, full.names.index("distance")] == 0).all()


def test_bad_pictures() -> None:
    mask, picture = _disc(), np.zeros((60, 60))
    for bad, code in (
        (lambda: region_graph(picture, np.zeros_like(mask)), "RG505"), (lambda: region_graph(picture[:5], mask), "RG705"),
        (lambda: region_graph(np.full((60, 60), np.nan), mask), "RG505"), (lambda: region_graph(picture, mask * 7), "RG705"),
        (lambda: region_graph(picture, mask, lesion_regions=0), "RG708"), (lambda: region_graph(picture - np.inf, mask), "RG705"),
        (lambda: RegionGraph(np.zeros((2, 1)), np.array([[0], [2]]), ("mean",), np.ones(2, bool)), "RG705"),
        (lambda: RegionGraph(np.full((2, 1), np.nan), np.zeros((2, 0), int), ("mean",), np.ones(2, bool)), "RG705"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code


@pytest.fixture(scope="module")
def graphs() -> tuple[list[RegionGraph], list[str]]:
    """Lesions whose lower half is bright, or whose left half is: the means of both are the same."""
    rng, mask = np.random.default_rng(4), _disc(40, 11)
    rows, columns = np.mgrid[:40, :40]
    found, kinds = [], []
    for number in range(36):
        low = number % 2 == 0
        bright = (rows if low else columns) > 20
        picture = np.where(mask & bright, 90.0, 60.0) + rng.normal(0, 8, mask.shape)
        found.append(region_graph(picture, mask, lesion_regions=10, ring_regions=6))
        kinds.append("low" if low else "side")
    return found, kinds


QUICK = {"hidden": 16, "epochs": 25, "batch_size": 8, "calibration_folds": 0}


def test_the_classifier_tells_where_the_bright_half_is(graphs: tuple) -> None:
    found, kinds = graphs
    model = RegionGraphClassifier(**QUICK).fit(found[:26], kinds[:26])
    assert np.mean(model.predict(found[26:]) == kinds[26:]) >= 0.9
    together = model.predict_proba(found[26:])
    alone = np.concatenate([model.predict_proba([graph]) for graph in found[26:]])
    assert np.abs(together - alone).max() < 1e-12
    weights = model.region_weights(found[:3])
    assert [len(w) for w in weights] == [len(g.nodes) for g in found[:3]] and np.allclose([w.sum() for w in weights], 1)
    back = RegionGraphClassifier.from_state(*model.state())
    assert np.array_equal(back.predict_proba(found), model.predict_proba(found))


def test_the_order_of_the_regions_does_not_matter(graphs: tuple) -> None:
    found, kinds = graphs
    model = RegionGraphClassifier(**{**QUICK, "epochs": 3}).fit(found, kinds)
    graph = found[0]
    order = np.random.default_rng(0).permutation(len(graph.nodes))
    place = np.argsort(order)
    turned = RegionGraph(graph.nodes[order], place[graph.edges], graph.names, graph.inside[order])
    assert np.allclose(model.predict_proba([turned]), model.predict_proba([graph]))
    cut = RegionGraph(graph.nodes, graph.edges[:, :0], graph.names, graph.inside)
    assert np.abs(model.predict_proba([cut]) - model.predict_proba([graph])).max() > 1e-6


def test_seed_generator_and_manners(graphs: tuple) -> None:
    found, kinds = graphs
    model = RegionGraphClassifier(**{**QUICK, "epochs": 3, "calibration_folds": 2})
    state = torch.get_rng_state()
    first = model.fit(found, kinds, groups=np.arange(36) // 2).predict_proba(found)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(clone(model).fit(found, kinds, groups=np.arange(36) // 2).predict_proba(found), first)
    other = RegionGraph(found[0].nodes[:, :3], found[0].edges, found[0].names[:3], found[0].inside)
    for bad, code in (
        (lambda: model.predict_proba([other]), "RG705"), (lambda: model.fit([], []), "RG705"),
        (lambda: clone(model).predict_proba(found), "RG705"), (lambda: clone(model).fit(["a"], [0]), "RG705"),
        (lambda: clone(model).set_params(hidden=7).fit(found, kinds), "RG708"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code
