"""How the limits of time stand to each other: a film must be given enough by all of them."""

from millrace.settings import BadSetting, Reader
from services.process.video.settings import FilmSettings
from shared.settings import DeliverySettings, WorkspaceSettings


def limits(read: Reader) -> list[str]:
    """One sentence for each limit of the services; the shortest is what a film has.

    Raises:
        BadSetting: one of them was set to what another never lets it reach.
    """
    delivery, films, jobs = read(DeliverySettings), read(FilmSettings), read(WorkspaceSettings)
    stage, run = delivery.stage_limit_seconds, films.ffmpeg_limit_seconds
    if run > stage and "ffmpeg_limit_seconds" in films.model_fields_set:
        raise BadSetting(
            f"FFMPEG_LIMIT_SECONDS: {run:g} is never reached, for STAGE_LIMIT_SECONDS ({stage:g})"
            " ends the stage before; raise that too"
        )
    shorter = " (longer than a job's life)" if stage > 3600 * jobs.job_ttl_hours else ""
    return [
        f"a film is processed for {min(run, stage) / 60:g} minutes at most"
        f" (STAGE_LIMIT_SECONDS, FFMPEG_LIMIT_SECONDS){shorter}",
        f"a job lives {jobs.job_ttl_hours:g} hours (JOB_TTL_HOURS)",
        f"deliveries are renewed after {delivery.delivery_renew_seconds / 60:g} of the broker's"
        f" {delivery.consumer_timeout_seconds / 60:g} minutes",
    ]
