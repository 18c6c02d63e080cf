"""The planted bugs fit the code as it is, and some of them are hunted down; `make mutants` has all."""

from pathlib import Path

import pytest

from tests.mutants import __main__ as hunting
from tests.mutants.lists import EVERY
from tests.mutants.mutant import Misfit, Mutant
from tests.mutants.suite import Verdict, judge

# One that the simulation has to find, one for the tests of a real file system.
SOME = ("acknowledge before the confirm", "rollback of another run's object, on the file system")


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_planted_bug_fits_and_compiles(mutant: Mutant) -> None:
    assert mutant.mutated() != Path(mutant.file).read_text()
    assert mutant.simulated or mutant.tests


def test_names_are_told_apart() -> None:
    assert len({mutant.name for mutant in EVERY}) == len(EVERY)


@pytest.mark.parametrize("text", ["nowhere", "a"])
def test_text_that_is_not_there_exactly_once_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("a = a\n")
    with pytest.raises(Misfit, match="times in file"):
        Mutant("name", "file.py", text, "b", "harm").mutated(tmp_path)


@pytest.mark.parametrize("name", SOME)
def test_planted_bug_is_caught(name: str) -> None:
    (mutant,) = (one for one in EVERY if one.name == name)
    assert judge(mutant).caught_by is not None


def test_missed_bug_fails_the_hunt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    caught = {EVERY[0].name: "seed 1", EVERY[1].name: None}
    monkeypatch.setattr(hunting, "judge_no_mutant", lambda _: None)
    monkeypatch.setattr(hunting, "judge", lambda one: Verdict(one, caught[one.name]))
    assert hunting.hunt(EVERY[:2], 1) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "caught 1 of 2"
    assert hunting.hunt(EVERY[:1], 1) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "caught 1 of 1"


def test_suite_that_fails_anyway_proves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hunting, "judge_no_mutant", lambda _: "seed 3")
    assert hunting.hunt(EVERY[:1], 1) == 1
    assert "fails already: seed 3" in capsys.readouterr().out
