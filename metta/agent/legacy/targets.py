"""How each older class becomes a present one: one function a class, and the table that names them. Torch-free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metta.agent.legacy.task import FaultError, Task, Value, merge_arguments
from metta.agent.legacy.translation import WeightRule

_FOLLOWS = "follows from the environment's features now"
_ANY = r".+"


def _linear(task: Task) -> Value:
    old, name = task.source(), task.old.name
    activation = task.activation()
    initial = task.initialisation(activation)
    sizes = task.given("bias", "in_features")
    weights = [WeightRule(r"(weight|bias)", r"linear.\1")]
    if name in ("_value_", "_action_"):
        out = task.take("out_features", "output_size")
        if name == "_value_" and out not in (None, 1):
            raise FaultError(f"_value_ has output_size={out}; a state has one value. Give 1.")
        if activation is not None or sizes.get("bias") is False or "init" in initial:
            raise FaultError(f"{name} must be a plain layer: nonlinearity: null, with bias, Orthogonal.")
        cls, note = ("ValueHead", "") if name == "_value_" else ("ActorHead", "one logit per action of the environment")
        return task.add(cls, initial, [old.key], weights=weights, wrappers=task.wrappers(), note=note)
    config = {"out_features": task.size("out_features", "output_size"), **sizes, "activation": activation, **initial}
    return task.add("LinearModule", config, [old.key], weights=weights, wrappers=task.wrappers())


def _conv(task: Task) -> Value:
    old, activation = task.source(), task.activation()
    config: dict[str, Any] = {"out_channels": task.size("out_channels", "output_size")}
    config["kernel_size"] = task.take("kernel_size")
    if config["kernel_size"] is None:
        raise FaultError("needs kernel_size.")
    config |= task.given("in_channels", "stride", "padding", "dilation", "groups", "bias")
    config |= {"activation": activation, **task.initialisation(activation)}
    weights = [WeightRule(r"(weight|bias)", r"conv.\1")]
    return task.add("ConvModule", config, [old.key], weights=weights, wrappers=task.wrappers())


def _torch(task: Task) -> Value:
    """Layers that torch has under the same name."""
    task.take("output_size") if task.old.class_name not in _POOLS_TO_SIZE else None
    arguments = {key: task.take(key) for key in list(task.left)}
    config: dict[str, Any] = {"module": task.old.class_name, **({"arguments": arguments} if arguments else {})}
    weights = [WeightRule(r"(.+)", r"module.\1")] if "Norm" in task.old.class_name else []
    return task.add("NNModule", config, [task.source().key], weights=weights)


_POOLS_TO_SIZE = ("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d")


def _lstm(task: Task) -> Value:
    config = {"hidden_size": task.size("output_size", "hidden_size"), "num_layers": task.size("num_layers", default=2)}
    config |= {} if task.old.name == "_core_" else {"memory_name": task.old.name.strip("_")}
    weights = [WeightRule(r"(weight|bias)_([ih]h_l\d+)", r"lstm.\1_\2")]
    return task.add("LSTM", config, [task.source().key], weights=weights, wrappers=task.wrappers())


def _merge(merge_type: str) -> Callable[[Task], Value]:
    def merge(task: Task) -> Value:
        keys = [value.key for value in task.sources()]
        return task.add("Merge", merge_arguments(merge_type, task.old.sources), keys)

    return merge


def _residual_mlp(task: Task) -> Value:
    config = {"width": task.size("output_size", "width"), "depth": task.size("depth", default=4)}
    note = "other layers inside"
    weights = [WeightRule(_ANY, None, why="the residual blocks are built otherwise")]
    return task.add("ResidualMLP", config, [task.source().key], weights=weights, wrappers=task.wrappers(), note=note)


def _embedding(task: Task) -> Value:
    config = {"num_embeddings": task.size("num_embeddings"), "embedding_dim": task.size("embedding_dim", "output_size")}
    weights = [WeightRule("weight", "table.weight")]
    return task.add("Embedding", config, [task.source().key], weights=weights, wrappers=task.wrappers())


# --- heads --------------------------------------------------------------------------------------------------------


def _action_embedding(task: Task) -> Value:
    dim = task.size("embedding_dim", "output_size", default=16)
    task.drop("num_embeddings", "there is one embedding per action of the environment")
    value = Value("", "action embeddings", arguments={"embedding_dim": dim}, owner=task.old.name)
    return task.fold(value, "part of the actor that reads it", ())


def _actor(big: bool) -> Callable[[Task], Value]:
    def actor(task: Task) -> Value:
        features, embeddings = _actor_inputs(task)
        config: dict[str, Any] = {**embeddings.arguments}
        weights = [WeightRule("W", "bilinear.weight"), WeightRule("bias", "bilinear.bias")]
        if big:
            config["bilinear_dim"] = task.size("bilinear_output_dim", "bilinear_dim", default=32)
            config["mlp_hidden"] = task.size("mlp_hidden_dim", "mlp_hidden", "output_size", default=512)
            weights.append(WeightRule(r"_?(?:mlp|MLP)\.0\.(weight|bias)", r"hidden.\1"))
            weights.append(WeightRule(r"_?(?:mlp|MLP)\.2\.(weight|bias)", r"out.\1"))
        else:
            weights = [WeightRule("W", "query.weight", shaping="one form, turned over"), WeightRule("bias", "bias")]
        note = f"with {embeddings.owner} inside" if embeddings.owner else ""
        value = task.add(
            "BilinearActorHead", config, [features.key], weights=weights, wrappers=task.wrappers(), note=note
        )
        _move_table(task, embeddings.owner)
        return value

    return actor


def _actor_inputs(task: Task) -> tuple[Value, Value]:
    values = [task.book.values.get(source.name) for source in task.old.sources]
    if any(value is None or value.kind == "lost" for value in values):
        return Value("", "lost"), Value("", "action embeddings")
    found = [value for value in values if value is not None]
    embeddings = [value for value in found if value.kind == "action embeddings"]
    features = [value for value in found if value.kind == "tensor"]
    if len(features) != 1 or len(embeddings) != 1:
        names = [source.name for source in task.old.sources]
        raise FaultError(f"reads one layer and one ActionEmbedding, got {names}. Set sources to these two.")
    return features[0], embeddings[0]


def _move_table(task: Task, owner: str) -> None:
    """Say in the embedding's row where its weights are now."""
    rows = task.book.rows
    rule = WeightRule("weight", "table.weight", task.old.name, "first rows")
    for index, row in enumerate(rows):
        if row.name == owner:
            note = f"part of {task.old.name}"
            rows[index] = type(row)(row.name, row.target, None, "-", {}, note, (rule,))


# --- observations -------------------------------------------------------------------------------------------------


def _box_shaper(task: Task) -> Value:
    weights = [WeightRule(_ANY, None, why=_FOLLOWS)]
    reach = _reach(task)
    note = f"at least {reach} planes, since sources cut them so; beyond the features they are empty" if reach else ""
    config = {"num_planes": reach} if reach else {}
    return task.add("FeaturePlanes", config, [task.source("tokens").key], weights=weights, note=note)


def _reach(task: Task) -> int:
    """How many planes the slices of later components ask for: they were those of an environment of its time."""
    names, components = {task.old.name}, task.book.config.components.values()
    names.update(
        other.name
        for other in components
        if other.class_name == "ObservationNormalizer" and any(source.name in names for source in other.sources)
    )
    ends = [
        source.cut[1]
        for other in components
        for source in other.sources
        if source.cut is not None and source.dim in (1, -3) and source.name in names
    ]
    return max(ends, default=0)


def _normalizer(task: Task) -> Value:
    weights = [WeightRule(_ANY, None, why=_FOLLOWS)]
    return task.add("FeatureNormalise", {}, [task.source().key], weights=weights)


def _pad_strip(task: Task) -> Value:
    limit = task.take("max_tokens")
    value = Value("", "tokens", arguments={} if limit is None else {"max_tokens": limit})
    return task.fold(value, "part of the token embedding", [WeightRule(_ANY, None, why=_FOLLOWS)])


def _value_norm(task: Task) -> Value:
    value = task.source("tokens")
    note = "part of the token embedding, which always normalises"
    return task.fold(value, note, [WeightRule(_ANY, None, why=_FOLLOWS)])


def _token_embedding(coordinates: str, values: str) -> Callable[[Task], Value]:
    def embedding(task: Task) -> Value:
        source = task.source("tokens")
        config = {"embed_dim": task.size("attr_embed_dim", "embed_dim", default=12), **source.arguments}
        config |= {"coordinates": coordinates, "values": values}
        if coordinates == "fourier":
            config["num_freqs"] = task.size("num_freqs", default=6)
        why = "embeddings were per feature, they are per feature and category now"
        weights = [WeightRule(_ANY, None, why=why)]
        return task.add("ObsTokens", config, ["env_obs"], weights=weights, wrappers=task.wrappers(), out_mask=True)

    return embedding


def _attention_arguments(task: Task, width: int) -> dict[str, Any]:
    config: dict[str, Any] = {
        "num_heads": task.size("num_heads", "heads", default=4),
        "num_layers": task.size("num_layers", "layers", default=2),
    }
    if qk_dim := task.take("qk_dim", "qk"):
        config["qk_dim"] = qk_dim
    if hidden := task.take("mlp_out_hidden_dim", "mlp_dim", "mlp"):
        config["mlp_ratio"] = hidden / width
    task.drop("v_dim", "values are as wide as the layer")
    return config


def _attention_inputs(task: Task, config: dict[str, Any]) -> list[str]:
    source = task.source()
    use_mask = task.take("use_mask", default=True)
    if source.mask is None or not use_mask:
        config["mask_key"] = None
        return [source.key]
    return [source.key, source.mask]


_OTHER_ATTENTION = WeightRule(_ANY, None, why="attention layers have other projections and norms now")


def _latent_attention(task: Task) -> Value:
    out = task.size("out_dim", "output_size", "out_features")
    width = task.take("query_token_dim", "query_dim", default=out)
    config = {"out_features": out, "query_dim": width, **_attention_arguments(task, width)}
    config["num_queries"] = task.size("num_query_tokens", "num_queries", "num_query", default=10)
    config["pool"] = "first" if task.take("use_cls_token", "cls", default=False) else "none"
    inputs = _attention_inputs(task, config)
    return task.add("LatentAttention", config, inputs, weights=[_OTHER_ATTENTION], wrappers=task.wrappers())


def _self_attention(task: Task) -> Value:
    out = task.size("out_dim", "output_size", "out_features")
    width = task.take("embed_dim", default=out)
    config = {"out_features": out, "embed_dim": width, **_attention_arguments(task, width)}
    config["pool"] = "first" if task.take("use_cls_token", "cls", default=False) else "none"
    inputs = _attention_inputs(task, config)
    return task.add("TokenTransformer", config, inputs, weights=[_OTHER_ATTENTION], wrappers=task.wrappers())


def _passed_over(task: Task) -> Value:
    value = task.source()
    for name in list(task.left):
        task.drop(name, "components take any number of batch dimensions")
    return task.fold(value, f"not needed: readers get {value.key!r}")


RULES: dict[str, Callable[[Task], Value]] = {
    "ActionEmbedding": _action_embedding,
    "BatchReshapeLayer": _passed_over,
    "Conv2d": _conv,
    "Embedding": _embedding,
    "LSTM": _lstm,
    "Linear": _linear,
    "MettaActorBig": _actor(big=True),
    "MettaActorSingleHead": _actor(big=False),
    "ObsAttrCoordEmbed": _token_embedding("learned", "append"),
    "ObsAttrCoordValueEmbed": _token_embedding("learned", "embed"),
    "ObsAttrEmbedFourier": _token_embedding("fourier", "append"),
    "ObsAttrValNorm": _value_norm,
    "ObsLatentAttn": _latent_attention,
    "ObsSelfAttn": _self_attention,
    "ObsTokenPadStrip": _pad_strip,
    "ObsTokenToBoxShaper": _box_shaper,
    "ObservationNormalizer": _normalizer,
    "ResNetMLP": _residual_mlp,
    "ReshapeLayer": _passed_over,
    **{f"{kind.title()}MergeLayer": _merge(kind) for kind in ("concat", "add", "subtract", "mean")},
    **dict.fromkeys(
        (
            *("AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d", *_POOLS_TO_SIZE),
            *("AlphaDropout", "Dropout", "Dropout1d", "Dropout2d"),
            *("BatchNorm1d", "BatchNorm2d", "LayerNorm", "Flatten", "Identity", "ReLU"),
        ),
        _torch,
    ),
}
"""By the last part of ``_target_``."""

ALIASES = {
    **{name: f"{kind}MergeLayer" for kind in ("Concat", "Add", "Subtract", "Mean") for name in (kind, f"{kind}Merge")},
    "BatchReshape": "BatchReshapeLayer",
    "Reshape": "ReshapeLayer",
    "LinearModule": "Linear",
    "ConvModule": "Conv2d",
}
"""Other names for the same: short ones, and those that newer code had for the classes of the same arguments."""

GONE = {
    "Bilinear": "a bilinear layer of two sources has no counterpart. Concatenate them and put a Linear behind",
    "CenterPixel": "picking the middle cell has no counterpart. Use Flatten, or a source with slice and dim",
    "CenterPixelLayer": "picking the middle cell has no counterpart. Use Flatten, or a source with slice and dim",
    "Expand": "repeating along a dimension has no counterpart; components take any number of batch dimensions",
    "ExpandLayer": "repeating along a dimension has no counterpart; components take any number of batch dimensions",
}
"""Known, and not translated: the reason and what to do."""
