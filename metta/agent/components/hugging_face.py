"""Pretrained transformers as components. Needs the optional extra: pip install 'metta[huggingface]'."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor, nn

from metta.agent.components.token_encoders import pooled
from metta.agent.module import MettaModule, TensorMap
from metta.common.errors import ConfigError

Pool = Literal["mean", "first", "none"]
Wrapped = TypeVar("Wrapped", bound=MettaModule)


class HuggingFaceModule(MettaModule):
    """Embeds texts, token ids or vectors with a model of the ``transformers`` library.

    ``model`` is a name or folder for ``from_pretrained`` (weights from safetensors only: no pickle is loaded, nor any
    code), or a model, with its ``tokenizer`` where texts are read. What ``in_key`` holds decides: a list of texts, a
    tensor of ids, or one of vectors of the model's width. Padding (``mask_key``, or else the tokenizer's padding id)
    is seen by none and left out of the mean. ``frozen`` gives the model no gradients.

    Shapes (K tokens, F the model's ``hidden_size``): ``text_input [..., K] int`` or ``[..., K, F] float32`` (or texts,
    one row each), ``mask_key [..., K] bool`` -> ``text_embeddings [..., F] float32``, or ``[..., K, F]`` with
    ``pool="none"``.
    Source: the ``transformers`` library's AutoModel and AutoTokenizer.

    Raises:
        ConfigError: the library is not installed, or the model cannot be loaded.
    """

    def __init__(
        self,
        model: str | nn.Module = "bert-base-uncased",
        in_key: str = "text_input",
        out_key: str = "text_embeddings",
        *,
        tokenizer: Any = None,
        mask_key: str | None = None,
        pool: Pool = "mean",
        frozen: bool = False,
    ) -> None:
        if pool not in ("mean", "first", "none"):
            raise ConfigError(f"HuggingFaceModule got pool={pool!r}: choose 'mean', 'first' or 'none'.")
        loaded = _load(model, "AutoModel", use_safetensors=True) if isinstance(model, str) else model
        config: Any = loaded.config
        size = int(config.hidden_size)
        super().__init__(
            [in_key] if mask_key is None else [in_key, mask_key],
            [out_key],
            output_shapes={out_key: ("tokens", size) if pool == "none" else (size,)},
        )
        self.in_key, self.out_key, self.mask_key = in_key, out_key, mask_key
        self.pool: Pool = pool
        self.source = model if isinstance(model, str) else None
        self.tokenizer = tokenizer
        self.padding_id: int | None = getattr(config, "pad_token_id", None)
        self.model = loaded.requires_grad_(not frozen)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x: Any = td[self.in_key]
        mask = None if self.mask_key is None else td[self.mask_key]
        if not isinstance(x, Tensor):
            x, mask = self._tokenize([x] if isinstance(x, str) else list(x))
        vectors = x.is_floating_point()
        batch = x.shape[: x.ndim - (2 if vectors else 1)]
        x = x.reshape(math.prod(batch), *x.shape[len(batch) :])
        if mask is None and not vectors and self.padding_id is not None:
            mask = x != self.padding_id
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask.reshape(x.shape[:2])
        inputs = {"inputs_embeds" if vectors else "input_ids": x, "attention_mask": mask.long()}
        out = pooled(self.model(**inputs).last_hidden_state, self.pool, mask)
        return {self.out_key: out.reshape(*batch, *out.shape[1:])}

    def _tokenize(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        if self.tokenizer is None:
            if self.source is None:
                raise ConfigError(
                    f"HuggingFaceModule reads texts at {self.in_key!r}, but was given a model without a tokenizer. "
                    f"Give tokenizer=..., or token ids."
                )
            self.tokenizer = _load(self.source, "AutoTokenizer")
        tokens = self.tokenizer(list(texts), return_tensors="pt", padding=True)
        device = next(self.model.parameters()).device
        return tokens["input_ids"].to(device), tokens["attention_mask"].bool().to(device)


def hf_wrapper(model: str | nn.Module, **options: Any) -> Callable[[type[Wrapped]], type[Wrapped]]:
    """Class decorator: the class becomes a ``HuggingFaceModule`` of ``model``.

    ::

        @hf_wrapper("bert-base-uncased")
        class BertEncoder(MettaModule):
            pass

    What the class defines itself stays; its ``_compute`` may call ``super()._compute``.
    """

    def decorate(cls: type[Wrapped]) -> type[Wrapped]:
        if "__init__" in vars(cls):
            raise ConfigError(
                f"hf_wrapper makes the constructor of {cls.__name__}, which has one. Remove its __init__."
            )

        def __init__(self: HuggingFaceModule, *keys: str, **more: Any) -> None:  # noqa: N807 - it is a constructor
            HuggingFaceModule.__init__(self, model, *keys, **{**options, **more})

        body = {"__init__": __init__, "__doc__": cls.__doc__, "__module__": cls.__module__}
        name: str = cast(Any, cls).__name__
        make_class: Any = type  # whether these bases go together is seen when it is called
        return cast(type[Wrapped], make_class(name, (cls, HuggingFaceModule), body))

    return decorate


def _load(name: str, loader: str, **options: Any) -> Any:
    try:
        library = importlib.import_module("transformers")
    except ImportError as error:
        raise ConfigError(
            f"HuggingFaceModule {name!r} needs the transformers library: pip install 'metta[huggingface]'."
        ) from error
    try:
        return getattr(library, loader).from_pretrained(name, trust_remote_code=False, **options)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"HuggingFaceModule cannot load {name!r} ({loader}): {error}. "
            f"Give a folder with safetensors weights, or a name that this machine can download."
        ) from error
