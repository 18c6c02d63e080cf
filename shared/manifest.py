"""The account of a job's temporary files that travels with every message.

The account is not the authority: whatever lies in the job's directory goes at the end,
listed or not. It tells people, `/health` and the next stage what is there.
"""

from typing import Literal, Self

from pydantic import Field

from shared.wire import Wire

Role = Literal["original", "output"]


class TrackedFile(Wire):
    """One temporary file of a job.

    Attributes:
        path: relative to the job's directory, with forward slashes.
        size: bytes.
        role: what the file is for.
    """

    path: str
    size: int = Field(ge=0)
    role: Role


class Manifest(Wire):
    """All the temporary files of a job that its stages have handed on."""

    files: tuple[TrackedFile, ...] = ()

    def with_files(self, *files: TrackedFile) -> Self:
        """This manifest and `files`; a file with the same path takes the other's place."""
        new = {file.path for file in files}
        kept = tuple(file for file in self.files if file.path not in new)
        return self.model_copy(update={"files": kept + files})

    @property
    def total_size(self) -> int:
        """Bytes of all the files."""
        return sum(file.size for file in self.files)
