"""What the distribution names as its dependencies is what its code imports, and no more."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = Path(__file__).parents[2]
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
STARTED = {"uvicorn"}
"""What is not imported but run as a program (`python -m uvicorn`)."""
OPTIONAL = {"otava": "history"}
"""What is imported only where an extra is asked for."""


def imported() -> set[str]:
    """Name the modules of others that the code imports, wherever in a file it does."""
    nodes = [
        node for path in (PACKAGE / "src").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ]
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"loadcheck"}


def distributions(modules: set[str]) -> set[str]:
    known = packages_distributions()
    return {canonicalize_name(known[module][0]) for module in modules}


def named(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def test_each_import_is_a_dependency_and_each_dependency_is_used():
    assert named(PROJECT["dependencies"]) == distributions((imported() | STARTED) - OPTIONAL.keys())


def test_an_optional_import_is_named_by_its_extra():
    extras = PROJECT["optional-dependencies"]
    assert {extra: named(each) for extra, each in extras.items()} == {
        extra: distributions({module}) for module, extra in OPTIONAL.items()
    }
