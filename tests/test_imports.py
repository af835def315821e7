"""The graph of imports."""

from graphlib import TopologicalSorter

import grimp


def test_no_import_leads_back_to_where_it_began() -> None:
    """Packages' own files included, which lint-imports does not compare with what lies inside them."""
    graph = grimp.build_graph("diffeo", "diffeo_course", cache_dir=None)
    TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules}).prepare()
