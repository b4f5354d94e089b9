"""
No import cycle in the package.

import-linter checks the rooms and the parts of each room (pyproject.toml). This test checks single modules, with every import: at
module level, in functions and under ``TYPE_CHECKING``.
"""

from __future__ import annotations

from collections.abc import Mapping

import grimp


def cycles(imports: Mapping[str, set[str]]) -> list[str]:
    """
    Find the modules that import each other, directly or through others.

    Args:
        imports: Each module with the modules that it imports.

    Returns:
        Their names, sorted.
    """
    remaining = {module: set(imported) for module, imported in imports.items()}
    while free := [module for module, imported in remaining.items() if not imported & remaining.keys()]:
        for module in free:
            del remaining[module]
    # What is left imports a cycle or is in one. Modules that no other of them imports are not in one.
    while unused := remaining.keys() - set().union(*remaining.values()):
        for module in unused:
            del remaining[module]
    return sorted(remaining)


def test_cycles_are_found() -> None:
    imports = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str](), "e": {"a"}}

    assert cycles(imports) == ["b", "c"]


def test_no_module_imports_itself_through_others() -> None:
    graph = grimp.build_graph("guardedbedrock", exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    assert len(imports) > 300
    assert sum(map(len, imports.values())) > 1000
    assert cycles(imports) == []
