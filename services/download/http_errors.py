"""What the errors of HTTP mean for a job: never again, or perhaps later."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import aiohttp

from services.download.guard import Blocked
from shared.errors import MillraceError, SourceForbidden, SourceMissing, SourceUnavailable

_MISSING = frozenset({204, 205, 404, 410})
_PASSING = frozenset({408, 416, 421, 425, 429})


def refusal(status: int, host: str) -> MillraceError:
    """The error that an answer with `status` stands for, when content was asked for."""
    answer = f"source: {host} answered {status} {_phrase(status)}".rstrip()
    if status in _MISSING:
        return SourceMissing(answer)
    if 400 <= status < 500 and status not in _PASSING:
        return SourceForbidden(answer)
    return SourceUnavailable(answer)


@contextmanager
def network_errors(host: str) -> Iterator[None]:
    """Turn aiohttp's errors, met while talking with `host`, into Millrace's."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        reason = _certificate_fault(error.certificate_error)
        raise SourceForbidden(
            f"source: the certificate of {host} is not valid: {reason}"
        ) from error
    except aiohttp.ClientConnectorDNSError as error:
        raise SourceUnavailable(f"source: the name {host} could not be resolved") from error
    except aiohttp.ClientSSLError as error:
        raise SourceUnavailable(f"source: no TLS connection to {host} came about") from error
    except aiohttp.ClientConnectorError as error:
        raise _unconnected(host, error.os_error) from error
    except TimeoutError as error:
        raise SourceUnavailable(f"source: {host} was silent for too long") from error
    except aiohttp.InvalidURL as error:
        raise SourceForbidden(f"source: '{host}' cannot be fetched from") from error
    except aiohttp.ClientPayloadError as error:
        raise SourceUnavailable(f"source: {host} sent less than it announced") from error
    except (aiohttp.ClientError, OSError) as error:
        raise SourceUnavailable(f"source: the connection to {host} broke") from error


def _unconnected(host: str, error: OSError) -> MillraceError:
    if isinstance(error, Blocked):
        return SourceForbidden(
            f"source: {host} has no public address, and may not be fetched (ALLOWED_NETWORKS)"
        )
    reason = error.strerror or "no answer"
    return SourceUnavailable(f"source: no connection to {host}: {reason}")


def _certificate_fault(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
