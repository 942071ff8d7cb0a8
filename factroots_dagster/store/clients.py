"""Clients of object stores, made from the variables of the environment, and their errors in words."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from factroots_dagster.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_ADDRESSES = {"s3": "AWS_ENDPOINT_URL", "gs": "GOOGLE_BASE_URL"}
"""The variables that name another server than Amazon's or Google's."""
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}
_CLOCK_ERRORS = ("RequestTimeTooSkewed", "Token must be a short-lived token")
"""What S3 and Google say of a request that is signed with another time than theirs."""


@lru_cache(maxsize=8)
def connect(
    scheme: str, bucket: str, seconds: float, environment: tuple[tuple[str, str], ...]
) -> ObjectStore:
    """A client of a bucket; its connections are shared by the process.

    scheme: s3 or gs. seconds: how long a request may take. environment: what it is made from.
    Raises InputError where the address is none, or the file of the credentials cannot be read.
    """
    from obstore.exceptions import BaseError
    from obstore.store import GCSStore, S3Store

    variable = _ADDRESSES[scheme]
    names = ("AWS_ENDPOINT",) if scheme == "s3" else (variable,)
    endpoint = next((value for name, value in environment if name.startswith(names)), None)
    if endpoint is not None:
        address = urlsplit(endpoint)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise InputError(f"{variable} is no http or https address", "correct it, or unset it")
    options: Any = {
        "client_options": {
            "timeout": timedelta(seconds=seconds),
            "connect_timeout": timedelta(seconds=min(seconds, 10)),
            # signed, but not encrypted: what the person asked for who wrote http://
            "allow_http": endpoint is not None and endpoint.startswith("http://"),
        },
        "retry_config": {"max_retries": 3, "retry_timeout": timedelta(seconds=2 * seconds)},
    }
    try:
        return S3Store(bucket, **options) if scheme == "s3" else GCSStore(bucket, **options)
    except BaseError as error:
        reason = str(error).partition("\n")[0].rpartition("error: ")[2][:150]
        problem = f"{scheme}://{bucket}: the credentials cannot be read ({reason})"
        raise InputError(problem, f"correct {_CREDENTIALS[scheme]}") from None


def explain(uri: str, error: Exception) -> InputError:
    """What an error of a request below a URI means; an UnavailableError where the store does not answer."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    scheme = uri.partition(":")[0]
    address, credentials = _ADDRESSES[scheme], _CREDENTIALS[scheme]
    text = str(error).partition("\n\nDebug source")[0]
    status = re.search(r"status code: (\d{3}[ \w]*)", text)
    code = status[1][:3] if status else ""
    if lacks_bucket(text):
        return InputError(f"{uri}: there is no such bucket", "create it, or correct FACTROOTS_DATA_ROOT")
    if any(sign in text for sign in _CLOCK_ERRORS):
        problem = f"{uri}: the object store refuses requests because this machine's clock is wrong"
        return InputError(problem, "set it by NTP, and run this again")
    if "/latest/api/token" in text or "/computeMetadata/" in text:  # of a cloud's machines
        return InputError(f"{uri}: there are no credentials", f"set {credentials}")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or code in ("401", "403"):
        problem = f"{uri}: the object store refuses the credentials ({status[1] if status else 403})"
        return InputError(problem, f"set {credentials} to ones that may list, read, write and delete there")
    if "redirect" in text or (code[:1] in ("3", "4") and code not in ("408", "409", "425", "429")):
        problem = f"{uri}: the object store refuses a request ({status[1] if status else 'redirect'})"
        region = "AWS_REGION and " if scheme == "s3" else ""
        return InputError(problem, f"check {region}{address}, and whether it has conditional puts")
    reason = status[1] if status else text.rpartition("HTTP error: ")[2][:100].strip()
    problem = f"{uri}: the object store does not answer ({reason})"
    return UnavailableError(problem, f"check the network and {address}, and run this again")


def lacks_bucket(text: str) -> bool:
    """Whether the text of an error says that there is no such bucket."""
    return "NoSuchBucket" in text or "bucket does not exist" in text
