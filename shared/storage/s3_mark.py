"""What an object in S3 says about itself: whose it is, and what it must contain."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from shared.storage.base import Owner

_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Mark:
    """The metadata of an object that a run put.

    Attributes:
        sha256: hex digest of the whole object.
        replaced: it took the place of another object, so a rollback leaves it.
    """

    owner: Owner
    sha256: str
    replaced: bool

    def metadata(self) -> dict[str, str]:
        """This mark as object metadata: short, and in ASCII."""
        token = self.owner.token
        return {
            "millrace-job": _ascii(self.owner.job_id),
            "millrace-run": str(self.owner.run),
            # Not every service takes a header without a value.
            **({"millrace-token": token} if token else {}),
            "millrace-sha256": self.sha256,
            "millrace-replaced": str(int(self.replaced)),
        }

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> Self | None:
        """The mark in an object's metadata, or None on an object that is not Millrace's."""
        try:
            owner = Owner(
                job_id=_job_id(metadata["millrace-job"]),
                run=int(metadata["millrace-run"]),
                token=metadata.get("millrace-token", ""),
            )
            return cls(owner, metadata["millrace-sha256"], metadata["millrace-replaced"] != "0")
        except (KeyError, ValueError):
            return None


def _ascii(job_id: str) -> str:
    """`job_id` itself where it is plain, else `=` and its Base64: metadata holds 2 KB in all."""
    if _PLAIN_ID.fullmatch(job_id):
        return job_id
    return "=" + base64.urlsafe_b64encode(job_id.encode()).decode()


def _job_id(text: str) -> str:
    if not text.startswith("="):
        return text
    return base64.b64decode(text[1:], altchars="-_", validate=True).decode()
