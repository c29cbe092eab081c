"""What is written: the same bytes each time, and in agreement with the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from radiogen import simulate
from radiogen.cohort.config import CohortConfig
from radiogen.cohort.loader import load_cohort
from radiogen.cohort.paths import file_digest
from radiogen.errors import RadiogenError
from radiogen.imaging import read_image
from radiogen.simulate.appearance import MODALITIES
from radiogen.simulate.bmode import Traits, draw_picture
from radiogen.simulate.draws import generator
from radiogen.simulate.maf import CHANGES, SILENT
from radiogen.simulate.scanner import SCANNERS
from radiogen.simulate.template import cohort_yaml
from tests.simulate.conftest import read

#: the seed of cohorts/demo: the smallest from 1 on with at least 8 patients of centre A in
#: every subtype and none unclassified
DEMO_N, DEMO_SEED = 160, 13


def every_file(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(plain: Path, tmp_path: Path) -> None:
    again = simulate.cohort(tmp_path / "again", n=400, seed=8, images=False).parent
    assert every_file(again) == every_file(plain)
    other = simulate.cohort(tmp_path / "other", n=400, seed=9, images=False).parent
    assert (other / "data/clinical.csv").read_bytes() != (plain / "data/clinical.csv").read_bytes()


def test_a_patient_does_not_depend_on_the_size_of_the_cohort_and_pictures_are_the_same_bytes(
    folder: Path, smaller: Path, truth: dict[str, Any]
) -> None:
    small, large = every_file(smaller), every_file(folder)
    pictures = [name for name in small if name.endswith((".png", ".dcm", ".jpg"))]
    assert {name.split("/")[1] for name in pictures if name.startswith("data/")} == set(MODALITIES)
    assert len(pictures) >= 4 * 19
    assert all(small[name] == large[name] for name in pictures)
    for table in ("clinical", *MODALITIES):
        lines = small[f"data/{table}.csv"].splitlines()
        assert len(lines) > 10 and lines == large[f"data/{table}.csv"].splitlines()[: len(lines)]
    patients = json.loads(small["truth.json"])["patients"]
    assert len(patients) == 20
    assert all(truth["patients"][name] == patient for name, patient in patients.items())


def test_a_picture_drawn_alone_is_the_one_in_the_file(folder: Path, truth: dict[str, Any]) -> None:
    name = "SIM-00017"
    patient = truth["patients"][name]
    latent = {k: patient["latent"][k] for k in ("margin", "texture", "shadow", "contrast", "aspect")}
    rng = generator(5, "image", 16, 0)
    rng.random(), rng.uniform(0.75, 1.0)  # the two numbers that decide on a second view
    picture = draw_picture(rng, Traits(patient["latent"]["diameter_mm"], **latent), SCANNERS[patient["scanner"]])
    (stored,) = (read_image(p).pixels for p in (folder / "data/bmode/images").glob(f"{name}_1.*"))
    # the truth is written with ten digits: a grey value may round the other way here and there
    assert np.mean(picture.image != stored) < 1e-3


def test_the_yaml_is_valid_and_says_how_it_was_simulated(folder: Path, plain: Path) -> None:
    for place, n, seed in ((folder, 24, 5), (plain, 400, 8)):
        config = CohortConfig.model_validate(YAML(typ="safe").load((place / "cohort.yaml").read_text()))
        assert config.cohort.simulated is not None
        assert config.cohort.simulated.model_dump() == {"n": n, "seed": seed, "effects": "default"}
        assert config.split.external == {"centre": ["B"]}
        assert [a.kind for a in config.analyses] == ["associate", "classify", "classify", "survive"]


def test_the_demo_that_ships_is_what_the_simulation_writes(repo: Path, folder: Path) -> None:
    assert (repo / "cohorts/demo/cohort.yaml").read_bytes() == cohort_yaml(DEMO_N, DEMO_SEED, "default", True).encode()
    assert (folder / "cohort.yaml").read_bytes() == cohort_yaml(24, 5, "default", True).encode()


@pytest.mark.slow
def test_the_demo_written_anew_is_the_one_that_ships(repo: Path, tmp_path: Path) -> None:
    path = simulate.cohort(tmp_path / "demo", n=DEMO_N, seed=DEMO_SEED)
    assert path.read_bytes() == (repo / "cohorts/demo/cohort.yaml").read_bytes()


def test_the_seed_of_the_demo_is_the_smallest_that_fills_every_subtype() -> None:
    def fits(seed: int) -> bool:
        patients = simulate.build.draw_patients(DEMO_N, seed, simulate.DEFAULT)
        of_a = patients.loc[patients["centre"] == "A", "subtype"].value_counts()
        return "Unclassified" not in set(patients["subtype"]) and len(of_a) == 5 and of_a.min() >= 8

    assert [seed for seed in range(1, DEMO_SEED + 1) if fits(seed)] == [DEMO_SEED]


def test_the_maf_holds_exactly_the_mutated_among_the_tested(plain: Path) -> None:
    patients = json.loads((plain / "truth.json").read_text())["patients"]
    maf = pd.read_csv(plain / "data/mutations.maf", sep="\t", comment="#")
    altering = maf[maf["Variant_Classification"] != "Silent"]
    tested = {k for k, p in patients.items() if p["tested"]}
    assert set(read(plain / "data/panel.csv")["patient_id"]) == tested
    assert 0.86 < len(tested) / len(patients) < 0.94
    for gene in SILENT:
        carriers = set(altering.loc[altering["Hugo_Symbol"] == gene, "Tumor_Sample_Barcode"])
        assert carriers == {k for k in tested if patients[k]["mutated"][gene]}
        assert set(maf.loc[maf["Hugo_Symbol"] == gene, "HGVSp_Short"]) <= {
            SILENT[gene], *(c.protein for c in CHANGES[gene])
        }  # fmt: skip
    # mutated patients who were not tested exist, and nothing in the files betrays them
    assert any(p["mutated"]["TP53"] and not p["tested"] for p in patients.values())
    silent = maf[maf["Variant_Classification"] == "Silent"]
    assert len(silent) > 10
    wild_type_with_silent = [
        1 for r in silent.itertuples() if not patients[r.Tumor_Sample_Barcode]["mutated"][r.Hugo_Symbol]
    ]
    assert wild_type_with_silent


def test_the_tables_lack_values_as_declared(plain: Path) -> None:
    table = read(plain / "data/clinical.csv").set_index("patient_id")
    patients = json.loads((plain / "truth.json").read_text())["patients"]
    declared = {"NA", "not available", "not done"}
    assert not (table == "").any().any()
    # each centre has its own word
    assert not (table.loc[table["centre"] == "A"] == "not available").any().any()
    assert not (table.loc[table["centre"] == "B"] == "NA").any().any()
    unknown = table.isin(declared).mean()
    assert 0.04 < unknown["Ki67"] < 0.12
    assert unknown["age"] == unknown["size_mm"] == 0
    equivocal = table[table["HER2_IHC"] == "2+"]
    without = (equivocal["HER2_ISH"] == "not done").mean()
    assert 0 < without < 0.35
    assert (table.loc[table["HER2_IHC"] != "2+", "HER2_ISH"] == "not done").mean() > 0.98
    done = table[table["HER2_ISH"] != "not done"]
    assert all((v == "amplified") == patients[k]["her2"] for k, v in done["HER2_ISH"].items())
    known = table[~table["ER"].isin(declared)]
    assert all(int(v) == patients[k]["er_percent"] for k, v in known["ER"].items())
    # a response is known only after treatment before surgery
    assert (table["pCR"].isin(declared) == (table["neoadjuvant"] == "no")).all()


def test_recorded_times_agree_with_each_other_and_with_the_truth(plain: Path) -> None:
    table = read(plain / "data/clinical.csv").set_index("patient_id")
    patients = json.loads((plain / "truth.json").read_text())["patients"]
    table = table[~table["os_months"].isin({"NA", "not available"})]
    os, rfs = table["os_months"].astype(float), table["rfs_months"].astype(float)
    died, status = table["os_status"] == "1", table["rfs_status"].astype(int)
    assert 0.01 < 1 - len(table) / len(patients) < 0.05
    assert (os > 0).all() and (rfs > 0).all() and (rfs <= os).all()
    assert died[status == 2].all() and (rfs == os)[status == 2].all()
    assert (status[died] > 0).all() and (rfs == os)[status == 0].all()
    for key, row in table.iterrows():
        outcome = patients[str(key)]["outcome"]
        observed = min(outcome["death_months"], outcome["censor_months"])
        assert float(row["os_months"]) == pytest.approx(max(observed, 0.1), abs=0.0501)
        assert (row["os_status"] == "1") == (outcome["death_months"] <= outcome["censor_months"])


def test_whole_modalities_are_missing_in_the_declared_shares(plain: Path) -> None:
    patients = json.loads((plain / "truth.json").read_text())["patients"]
    for modality, share in {"bmode": 0.98, "swe": 0.85, "doppler": 0.905, "ceus": 0.65}.items():
        ids = read(plain / f"data/{modality}.csv")["patient_id"]
        assert list(ids) == [k for k, p in patients.items() if p["has"][modality]]
        # three standard errors of a share at n = 400
        assert abs(len(ids) / 400 - share) < 3 * np.sqrt(share * (1 - share) / 400) + 1e-9
    swe = pd.read_csv(plain / "data/swe.csv")
    assert (swe["swe_min_kpa"] < swe["swe_mean_kpa"]).all() and (swe["swe_mean_kpa"] < swe["swe_max_kpa"]).all()
    doppler = pd.read_csv(plain / "data/doppler.csv")
    spectrum = doppler.dropna()
    ratio = (spectrum["doppler_psv_cm_s"] - spectrum["doppler_edv_cm_s"]) / spectrum["doppler_psv_cm_s"]
    assert np.allclose(ratio, spectrum["doppler_ri"], atol=0.02)
    assert doppler.loc[doppler["doppler_vessel_count"] == 0, "doppler_ri"].isna().all()


def test_the_loader_reads_back_the_truth(plain: Path) -> None:
    loaded = load_cohort(plain / "cohort.yaml")
    patients = json.loads((plain / "truth.json").read_text())["patients"]
    assert list(loaded.index) == list(patients)
    assert [p for p in loaded.findings if p.severity == "error"] == []
    state = {True: "mutated", False: "wild type"}
    for key, p in patients.items():
        for gene, mutated in p["mutated"].items():
            assert loaded.mutations.loc[key, gene] == (state[mutated] if p["tested"] else "not tested")
    known = loaded.subtype.dropna()
    assert len(known) > 300
    differing = {k for k, v in known.items() if str(v) != patients[str(k)]["subtype"]}
    assert differing == set()
    assert loaded.external().units["centre"].eq("B").all() and len(loaded.external()) == 100


@pytest.mark.parametrize(
    "arguments",
    [
        {"n": 19}, {"n": 20.5}, {"n": True}, {"seed": -1}, {"seed": "1"}, {"effects": "some"}, {"effects": {"tp53": 1.0}},
        {"effects": {"tp53_on_margin": float("nan")}}, {"effects": {"tp53_on_margin": "1"}},
        {"effects": {"size_on_image": 1.5}},
    ],
)  # fmt: skip
def test_arguments_out_of_range_are_refused_and_nothing_is_written(arguments: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RadiogenError) as caught:
        simulate.cohort(tmp_path / "new", **arguments)
    assert caught.value.code == "RG708"
    assert not (tmp_path / "new").exists()


def test_effects_go_into_the_truth_and_a_word_into_the_yaml(tmp_path: Path) -> None:
    words = {"none": None, "custom": {"tp53_on_stiffness": 2.0}}
    for word, effects in words.items():
        path = simulate.cohort(tmp_path / word, n=20, seed=1, effects=effects, images=False)
        assert YAML(typ="safe").load(path.read_text())["cohort"]["simulated"]["effects"] == word
        sizes = json.loads((path.parent / "truth.json").read_text())["effects"]
        expected = simulate.NULL if effects is None else simulate.Effects(tp53_on_stiffness=2.0)
        assert sizes == expected.to_dict()
    assert set(simulate.NULL.to_dict().values()) == {0.0}


def test_the_truth_lists_every_file_with_its_hash(folder: Path, truth: dict[str, Any]) -> None:
    written = set(every_file(folder)) - {"truth.json"}
    assert set(truth["files"]) == written
    assert all(file_digest(folder / name) == digest for name, digest in truth["files"].items())
    assert (truth["n"], truth["seed"]) == (24, 5)
