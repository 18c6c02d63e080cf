import pytest


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The consumer looks, and tries again, without long waits."""
    monkeypatch.setattr("shared.supervisor.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("shared.outlet.PUBLISH_AGAIN_SECONDS", 0.02)
