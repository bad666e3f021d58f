"""Names: no longer than is needed to tell rows apart."""

from __future__ import annotations

from bench.figures.names import Naming, names_of


def test_a_method_that_is_there_once_is_called_by_its_name_alone() -> None:
    given = [Naming("protonet", "omniglot/protonet-paper", "from 20-way 1-shot"), Naming("maml")]
    assert names_of(given) == ["protonet", "maml"]


def test_two_recipes_of_a_method_are_told_apart_without_its_name_twice() -> None:
    given = [Naming("protonet", f"omniglot/protonet-{budget}") for budget in ("paper", "cpu")]
    assert names_of(given) == ["protonet paper", "protonet cpu"]


def test_sizes_and_settings_follow_only_where_recipes_do_not_differ() -> None:
    given = [
        Naming("maml", "maml-paper", "", "(a)"),
        Naming("maml", "maml-paper", "from 5-way 1-shot", "(a)"),
        Naming("maml", "maml-paper", "from 5-way 1-shot", "(b)"),
    ]
    assert names_of(given) == ["maml", "maml from 5-way 1-shot (a)", "maml from 5-way 1-shot (b)"]


def test_what_is_told_by_the_marker_is_not_told_in_letters() -> None:
    given = [Naming("maml", settings="(x)", aside="hollow"), Naming("maml", aside="filled")]
    assert names_of(given) == ["maml", "maml"]


def test_two_recipes_are_told_apart_though_their_markers_differ() -> None:
    together = Naming("relationnet", "relationnet-batch-cpu", aside="hollow")
    alone = Naming("relationnet", "relationnet-cpu", aside="filled")
    assert names_of([together, alone]) == ["relationnet batch-cpu", "relationnet cpu"]


def test_what_is_always_told_is_told() -> None:
    assert names_of([Naming("maml", always="(GPU)")]) == ["maml (GPU)"]
