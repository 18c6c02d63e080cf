"""What the upload service is told by its environment."""

from pathlib import Path

from pydantic import Field

from shared.settings import Settings
from shared.storage.settings import Mode


class UploadSettings(Settings):
    """How many files go up at a time, and where absolute destinations may lead."""

    health_port: int = Field(
        default=8046, ge=0, le=65535, description="port of the upload service's health server"
    )
    upload_concurrency: int = Field(
        default=8, ge=1, le=1000, description="jobs whose files are stored at once"
    )
    upload_files_at_once: int = Field(
        default=4, ge=1, le=100, description="files of one job that are stored at once"
    )
    storage_mode: Mode = Field(
        default="local", description="where results go: `local` (a folder), `s3` or `r2`"
    )
    upload_path: Path = Field(
        default=Path("uploads"), description="the folder that results go to (`local`)"
    )

    @property
    def destination_root(self) -> Path | None:
        """The folder that absolute destinations must lie under; None in object storage."""
        return self.upload_path.absolute() if self.storage_mode == "local" else None
