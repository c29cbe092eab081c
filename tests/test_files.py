"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from radiogen.errors import RadiogenError
from radiogen.files import in_one_step


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RadiogenError) as error, in_one_step(path, "the table") as part:
        part.write_text("half")
        raise OSError(28, "No space left on device")
    assert error.value.code == "RG801" and "the table cannot be written: No space left" in str(error.value)
    with pytest.raises(ZeroDivisionError), in_one_step(path, "the table") as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_folder_that_is_not_wanted_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(RadiogenError), in_one_step(tmp_path / "no" / "net.npz", "the network", make_folder=False) as part:
        part.write_text("x")
    assert not (tmp_path / "no").exists()
