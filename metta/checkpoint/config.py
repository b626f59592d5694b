"""When policies and trainer state are written, and which policies are kept."""

from __future__ import annotations

from pydantic import Field, field_validator

from metta.common.config import Config
from metta.common.storage import check_store_uri


class CheckpointerConfig(Config):
    """``<run>/checkpoints`` and ``<run>/trainer_state``: written every ``epoch_interval`` epochs and at the end."""

    epoch_interval: int = Field(default=10, ge=1, description="epochs between two saved policies (and trainer states)")
    keep_last: int = Field(default=5, ge=1, description="newest policies to keep; the last one always stays")
    upload_uri: str | None = Field(
        default=None, description="copy each policy to <upload_uri>/<run>/checkpoints: s3://, gs://, az:// or file://"
    )
    upload_timeout: float = Field(
        default=60.0, ge=0, description="seconds to wait at the end for uploads; what is left goes with the next start"
    )
    keep_best: int = Field(default=1, ge=0, description="best evaluated policies to keep besides; 0 keeps none")

    @field_validator("upload_uri")
    @classmethod
    def _is_a_store(cls, uri: str | None) -> str | None:
        return None if uri is None else check_store_uri(uri)
