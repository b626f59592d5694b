"""Object stores by URI: ``s3://``, ``gs://``, ``az://`` and plain folders, through obstore."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az", "file")


def check_store_uri(uri: str) -> str:
    """``uri`` itself, without a slash at its end, when it names a place in a store.

    >>> check_store_uri("s3://bucket/metta/")
    's3://bucket/metta'

    Raises:
        ConfigError: what is wrong with it.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ConfigError(
            f"{uri!r} is no place in a store.{did_you_mean(scheme, SCHEMES)} Expected s3://<bucket>/<folder>, gs://…, "
            "az://… or file:///<folder>."
        )
    if not rest.strip("/"):
        raise ConfigError(f"{uri!r} names no {'folder' if scheme == 'file' else 'bucket'}.")
    return uri.rstrip("/")


def open_store(uri: str, *, timeout: float = 60.0) -> ObjectStore:
    """The store at ``uri``. Credentials, region and endpoint come from the environment (``AWS_*`` and so on), as every
    client of that store reads them; a plain-text endpoint (``http://``) is allowed when it is named there.

    Units: ``timeout`` seconds for one request, body included.

    Raises:
        ConfigError: the URI, or what the environment says, cannot be used.
    """
    from obstore.exceptions import BaseError
    from obstore.store import LocalStore, from_url

    check_store_uri(uri)
    if uri.startswith("file://"):
        return LocalStore(Path(uri.removeprefix("file://")).expanduser().absolute(), mkdir=True)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    options: dict[str, Any] = {"timeout": timedelta(seconds=timeout), "connect_timeout": timedelta(seconds=5)}
    if endpoint.startswith("http://"):
        options["allow_http"] = True
    try:
        opening = cast(Any, from_url)  # one signature for all kinds of stores: its overloads ask which one it is
        return cast("ObjectStore", opening(uri, client_options=options, retry_config={"max_retries": 1}))
    except (BaseError, ValueError) as error:
        raise ConfigError(f"the store {uri} cannot be opened: {error}") from error
