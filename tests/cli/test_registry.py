"""Recipes and tools found by reading sources."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from metta.cli.registry import RecipeImportError, Registry, load_maker, maker_parameters
from metta.common.errors import ConfigError


@pytest.fixture
def registry(sample_root: Path) -> Registry:
    return Registry(sample_root / "sample_recipes", "sample_recipes")


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("sample", "alpha"), "sample_recipes.prod.alpha.sample"),
        (("sample", "prod.alpha"), "sample_recipes.prod.alpha.sample"),
        (("sample", "experiment.alpha"), "sample_recipes.experiment.alpha.sample"),
        (("sample", "sample_recipes.experiment.alpha"), "sample_recipes.experiment.alpha.sample"),
        (("alpha.sample",), "sample_recipes.prod.alpha.sample"),
        (("prod.alpha.sample",), "sample_recipes.prod.alpha.sample"),
        (("sample_recipes.prod.alpha.sample_short",), "sample_recipes.prod.alpha.sample_short"),
        (("sample_short", "alpha"), "sample_recipes.prod.alpha.sample_short"),
        (("watch", "alpha"), "sample_recipes.prod.alpha.watch"),
    ],
)
def test_forms_of_a_name(registry: Registry, words: tuple[str, ...], path: str) -> None:
    assert registry.find_maker(words).path == path


def test_makers_are_public_functions_that_return_tools(registry: Registry) -> None:
    recipe = registry.find_recipe("alpha")
    assert recipe is not None
    assert [maker.name for maker in recipe.makers] == ["sample", "sample_short", "watch", "liar"]
    assert recipe.doc == "Alpha: the first."
    assert recipe.makers[0].parameters == "count: int=2, label: str='x'"


def test_prod_comes_first_and_nothing_is_imported(registry: Registry) -> None:
    before = set(sys.modules)
    assert [f"{recipe.folder}.{recipe.short_name}" for recipe in registry.recipes] == [
        "prod.alpha",
        "prod.needy",
        "experiment.alpha",
        "experiment.broken",
        "experiment.crooked",
        "experiment.raises",
    ]
    assert not {name for name in set(sys.modules) - before if name.startswith("sample_recipes")}


def test_the_house_has_its_tools() -> None:
    assert [tool.name for tool in Registry.default().tools][:4] == ["train", "evaluate", "play", "replay"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sample", "alhpa"), r"Unknown recipe 'alhpa'\. Did you mean 'alpha'"),
        (("smaple", "alpha"), r"no 'smaple'\. Did you mean 'sample'"),
        (("smaple", "alhpa"), r"Unknown tool 'smaple'.*Unknown recipe 'alhpa'"),
        (("smaple",), r"Unknown tool 'smaple'\. Did you mean 'sample'"),
        (("sample",), r"needs a recipe, as in: sample alpha"),
        (("alpha",), r"needs a tool, as in: sample alpha"),
        (("alpha", "sample"), r"Did you mean 'sample alpha'"),
        (("untyped", "alpha"), r"has no return annotation"),
        (("train", "alpha"), r"has no 'train'\. It has: sample"),
    ],
)
def test_mistakes_name_the_nearest(registry: Registry, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        registry.find_maker(words)


def test_a_syntax_error_is_told_when_the_recipe_is_asked_for(registry: Registry) -> None:
    with pytest.raises(RecipeImportError, match=r"(?s)crooked.*line 1"):
        registry.find_maker(("sample", "crooked"))


def test_parameters_have_real_types(registry: Registry) -> None:
    maker = load_maker(registry.find_maker(("sample", "alpha")))
    assert {name: p.annotation for name, p in maker_parameters(maker).items()} == {"count": int, "label": str}
