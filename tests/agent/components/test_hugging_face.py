"""HuggingFaceModule with a model of a few numbers, made here: nothing is downloaded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from metta.agent.components.hugging_face import HuggingFaceModule, hf_wrapper
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.common.errors import ConfigError

WORDS = ("[PAD]", "[UNK]", "go", "north", "south", "now")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"'bert-base-uncased' needs the transformers library: pip install"):
        HuggingFaceModule("bert-base-uncased")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model and tokenizer of six words."""
    transformers: Any = pytest.importorskip("transformers", reason="the optional extra 'huggingface' is not installed")
    tokenizers: Any = pytest.importorskip("tokenizers")
    path = tmp_path_factory.mktemp("tiny_bert")
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        pad_token_id=0,
    )
    transformers.BertModel(config).save_pretrained(path)
    words = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(
        path
    )
    return path


@pytest.fixture
def encoder(folder: Path) -> HuggingFaceModule:
    module = HuggingFaceModule(str(folder))
    module.eval()
    return module


def test_texts_and_ids_give_the_same(encoder: HuggingFaceModule) -> None:
    texts = encoder({"text_input": ["go north", "go south now"]})["text_embeddings"]
    assert texts.shape == (2, 8)
    ids = torch.tensor([[2, 3, 0], [2, 4, 5]])
    torch.testing.assert_close(encoder({"text_input": ids})["text_embeddings"], texts)
    hidden = encoder.model(input_ids=ids[1:]).last_hidden_state
    torch.testing.assert_close(texts[1:], hidden.mean(1))


def test_padding_changes_nothing(encoder: HuggingFaceModule) -> None:
    short = encoder({"text_input": torch.tensor([[2, 3]])})["text_embeddings"]
    padded = encoder({"text_input": torch.tensor([[2, 3, 0, 0]])})["text_embeddings"]
    torch.testing.assert_close(padded, short)


def test_vectors_with_a_mask_in_a_network(folder: Path) -> None:
    module = HuggingFaceModule(str(folder), "tokens", "features", mask_key="mask").eval()
    network = ComponentContainer({"tokens": ("tokens", 8), "mask": ("tokens",)})
    network.add_component("encoder", module)
    tokens, mask = torch.randn(2, 3, 5, 8), torch.arange(5) < torch.tensor([1, 2, 5])[:, None]
    out = network({"tokens": tokens, "mask": mask.expand(2, 3, 5)})["features"]
    assert out.shape == (2, 3, 8)
    short = network({"tokens": tokens[:, 1, :2], "mask": mask[1, :2].expand(2, 2)})["features"]
    torch.testing.assert_close(short, out[:, 1])


def test_gradients_unless_frozen(folder: Path) -> None:
    assert not any(p.requires_grad for p in HuggingFaceModule(str(folder), frozen=True).parameters())
    module = HuggingFaceModule(str(folder), pool="none")
    out = module({"text_input": torch.tensor([[2, 3]])})["text_embeddings"]
    assert out.shape == (1, 2, 8)
    out.sum().backward()
    assert any(p.grad is not None for p in module.parameters())


def test_the_decorator_of_the_design_notes(folder: Path) -> None:
    @hf_wrapper(str(folder), pool="first")
    class BertEncoder(MettaModule):
        pass

    encoder = BertEncoder("text", "features")  # pyright: ignore[reportArgumentType]
    assert isinstance(encoder, HuggingFaceModule)
    assert type(encoder).__name__ == "BertEncoder"
    assert encoder({"text": ["go"]})["features"].shape == (1, 8)
    with pytest.raises(ConfigError, match="Remove its __init__"):

        @hf_wrapper(str(folder))
        class _WithConstructor(MettaModule):
            def __init__(self) -> None:
                super().__init__([], [])


def test_what_cannot_be_loaded(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot load"):
        HuggingFaceModule(str(tmp_path))
    with pytest.raises(ConfigError, match="pool='max'"):
        HuggingFaceModule(str(folder), pool="max")  # pyright: ignore[reportArgumentType]
    module = HuggingFaceModule(HuggingFaceModule(str(folder)).model)
    with pytest.raises(ConfigError, match="without a tokenizer"):
        module({"text_input": ["go"]})
