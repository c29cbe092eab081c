"""All analyses of a YAML: the order, the titles, and a failure that does not stop the others."""

from __future__ import annotations

from radiogen.analysis import run

from .making import make_cohort


def test_one_failing_analysis_leaves_the_others() -> None:
    cohort = make_cohort(
        60, 3,
        analyses=[
            {"kind": "classify", "target": "BRCA1", "title": "Wrong gene"},
            {"kind": "associate", "targets": ["TP53"]},
            {"kind": "survive", "endpoint": "os", "inputs": ["clinical"], "folds": 2, "repeats": 1},
            {"kind": "classify", "target": "TP53", "inputs": ["bmode"], "folds": 2, "repeats": 1, "title": "TP53 from images"},
        ],
        table_one="TP53",
    )  # fmt: skip
    told: list[str] = []
    results, failures = run(cohort, progress=lambda done, total, label: told.append(label))
    assert [r.kind for r in results] == ["describe", "associate", "survive", "classify"]
    assert [r.title for r in results][1:] == ["Associations with TP53", "Survival: os", "TP53 from images"]
    assert [(title, error.code) for title, error in failures] == [("Wrong gene", "RG109")]
    assert set(told) == {"Survival: os", "TP53 from images"}
