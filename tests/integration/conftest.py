import pytest


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumers in this process look, try again and reconnect without long waits."""
    monkeypatch.setattr("shared.supervisor.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("shared.outlet.PUBLISH_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr("shared.broker.rabbitmq.pause", lambda: 0.05)
