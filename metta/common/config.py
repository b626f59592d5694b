"""The base of every config: frozen, closed to unknown keys, rebuilt instead of changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from metta.common.config_faults import describe_validation_error
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass as _NamedErrors
else:

    class _NamedErrors(type(BaseModel)):
        """Turns what a constructor call refuses into a ``ConfigError``.

        A metaclass, not an ``__init__``: pydantic builds nested configs without a call, so it still collects the faults
        of a whole tree, each with its place. Type checkers see pydantic's own constructor.
        """

        def __call__(cls, *args: Any, **values: Any) -> Any:
            try:
                return super().__call__(*args, **values)
            except ValidationError as error:
                raise _refused(cls, error, values) from error


class Config(BaseModel, metaclass=_NamedErrors):
    """A frozen pydantic model that forbids unknown keys. All values that it refuses are ``ConfigError``s.

    ``replace`` rebuilds along dotted paths and validates the result once, so the order of changes never matters.

    >>> class Inner(Config):
    ...     steps: int = 1
    >>> class Outer(Config):
    ...     inner: Inner = Inner()
    >>> Outer().replace({"inner.steps": 5}).inner.steps
    5
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, arbitrary_types_allowed=False)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """A config from a mapping.

        Raises:
            ConfigError: values that the config refuses.
        """
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise _refused(cls, error, obj) from error

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """A config from JSON.

        Raises:
            ConfigError: no JSON, or values that the config refuses.
        """
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            raise _refused(cls, error, None) from error

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """A new config of the same type with ``changes`` (dotted path -> value) applied.

        Raises:
            ConfigError: an unknown path, or values that the config refuses.
        """
        tree: dict[str, Any] = {}
        for path, value in changes.items():
            node = tree
            *parents, leaf = path.split(".")
            for part in parents:
                child = node.setdefault(part, {})
                if not isinstance(child, _Branch):
                    child = node[part] = _Branch()
                node = child
            node[leaf] = value
        return _rebuild(self, tree, ())

    def copy(self) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride] - pydantic's own copy() is deprecated
        """A deep copy: nothing is shared with the original."""
        return self.model_copy(deep=True)


def _refused(config: type[BaseModel], error: ValidationError, values: Any, path: Sequence[str] = ()) -> ConfigError:
    """Headed by the config's place, or by its name where it has none."""
    head = ".".join(path) or config.__name__
    return ConfigError(f"{head}: {describe_validation_error(error, values, prefix=path, of=config)}")


class _Branch(dict[str, Any]):
    """Marks an inner node of a change tree, to tell it from a dict that is a value."""


def _rebuild(node: Any, tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    if isinstance(node, Config):
        fields = type(node).model_fields
        for key in tree:
            if key not in fields:
                where = ".".join((*path, key))
                raise ConfigError(f"{type(node).__name__} has no key {where!r}.{did_you_mean(key, fields)}")
        values = {name: getattr(node, name) for name in node.model_fields_set}
        for key, change in tree.items():
            old = getattr(node, key)
            values[key] = _rebuild(old, change, (*path, key)) if isinstance(change, _Branch) else change
        try:
            return type(node).__pydantic_validator__.validate_python(values)
        except ValidationError as error:
            raise _refused(type(node), error, values, path) from error
    if isinstance(node, Mapping):
        entries = dict(cast(Mapping[str, Any], node))
        for key, change in tree.items():
            entries[key] = _rebuild(entries.get(key), change, (*path, key)) if isinstance(change, _Branch) else change
        return entries
    if isinstance(node, tuple | list):
        return _rebuild_sequence(cast(Sequence[Any], node), tree, path)
    if node is None:  # an absent optional config: pydantic builds it from the plain mapping
        return _plain(tree)
    raise ConfigError(f"{'.'.join(path)!r} is a {type(node).__name__}, which has no keys; got {sorted(tree)}.")


def _rebuild_sequence(node: Sequence[Any], tree: Mapping[str, Any], path: tuple[str, ...]) -> Sequence[Any]:
    items = list(node)
    for key, change in tree.items():
        where = ".".join((*path, key))
        if not key.isdecimal() or int(key) >= len(items):
            raise ConfigError(f"{where!r}: expected an index below {len(items)}, got {key!r}.")
        index = int(key)
        items[index] = _rebuild(items[index], change, (*path, key)) if isinstance(change, _Branch) else change
    return tuple(items) if isinstance(node, tuple) else items


def _plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) if isinstance(value, _Branch) else value for key, value in tree.items()}
