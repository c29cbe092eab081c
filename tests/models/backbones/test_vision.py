"""torchvision is imported beside a torch that its compiled operators do not fit, and only then in another way."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.backbones import vision

FAULT = RuntimeError("operator torchvision::nms does not exist")


def test_a_sound_torchvision_is_imported_once_and_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, original = [], torch.library.register_fake

    def sound(name: str) -> ModuleType:
        asked.append((name, torch.library.register_fake is original))
        return ModuleType(name)

    monkeypatch.setattr(vision, "import_module", sound)
    assert vision.torchvision_models().__name__ == "torchvision.models"
    assert asked == [("torchvision.models", True)]


def test_the_fault_leaves_out_the_descriptions_of_torchvision_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[Any] = []

    def original(op: Any, func: Any = None, /, **options: Any) -> str:
        passed.append((op, func, options))
        return "registered"

    def faulty(name: str) -> ModuleType:
        if torch.library.register_fake is original:
            sys.modules["torchvision.half_imported"] = ModuleType("torchvision.half_imported")
            raise FAULT
        assert "torchvision.half_imported" not in sys.modules  # the second import starts anew
        assert torch.library.register_fake("torchvision::nms")(len) is len
        assert torch.library.register_fake("torchvision::nms", len) is len
        assert torch.library.register_fake("other::op", len, lib=None) == "registered"
        return ModuleType(name)

    monkeypatch.setattr(torch.library, "register_fake", original)
    monkeypatch.setattr(vision, "import_module", faulty)
    assert vision.torchvision_models().__name__ == "torchvision.models"
    assert passed == [("other::op", len, {"lib": None})]
    assert torch.library.register_fake is original


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("operator torchvision::nms is broken"), "RG736"),
        (RuntimeError("CUDA error"), "RG736"),
        (ImportError("no symbol", name="torchvision._C"), "RG736"),
        (ModuleNotFoundError("no torchvision", name="torchvision"), "RG902"),
    ],
)
def test_other_errors_are_not_worked_around(monkeypatch: pytest.MonkeyPatch, error: Exception, code: str) -> None:
    asked = []

    def broken(name: str) -> ModuleType:
        asked.append(name)
        raise error

    monkeypatch.setattr(vision, "import_module", broken)
    with pytest.raises(RadiogenError) as caught:
        vision.torchvision_models()
    assert (caught.value.code, len(asked)) == (code, 1)


def test_a_second_failure_is_told_and_nothing_stays_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    original = torch.library.register_fake

    def broken(name: str) -> ModuleType:
        raise FAULT

    monkeypatch.setattr(vision, "import_module", broken)
    with pytest.raises(RadiogenError) as caught:
        vision.torchvision_models()
    assert caught.value.code == "RG736"
    assert torch.library.register_fake is original


def test_a_fresh_interpreter_gets_the_models() -> None:
    """Whether the fault occurs depends on the wheels installed; the models come either way, twice the same."""
    code = ("import torch; before = torch.library.register_fake\n"
            "from radiogen.models.backbones.vision import torchvision_models as f\n"
            "m = f(); assert m is f() and torch.library.register_fake is before\n"
            "import torchvision; assert torchvision.models is m\n"
            "print(m.resnet18 is not None)")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("True", "")
