import pytest

from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.fairness.sweep.settings import DEFAULT_VARIANTS
from tp_keras.fairness.sweep.settings import SweepSettings
from tp_keras.fairness.sweep.settings import Variant
from tp_keras.fairness.sweep.settings import parse_variant
from tp_keras.fairness.sweep.settings import parse_variants


def test_a_name_tells_method_strength_and_what_follows():
    assert parse_variant("none") == Variant()
    assert parse_variant("reweigh") == Variant("reweigh")
    assert parse_variant("grl:2") == Variant("grl", 2.0)
    assert parse_variant("none+dfr") == Variant("none", None, "dfr")
    # The + belongs to the name of the last one.
    both = parse_variant("conditional_mmd:0.5+conditional_leace+dfr")
    assert both == Variant("conditional_mmd", 0.5, "conditional_leace+dfr")


def test_names_are_read_as_they_are_written():
    names = [variant.name for variant in map(parse_variant, DEFAULT_VARIANTS)]
    assert names == list(DEFAULT_VARIANTS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "a method out of none, reweigh"),
        ("leace", "a method out of none, reweigh"),
        ("none+", "after the [+] one of dfr"),
        ("none+none", "after the [+] one of dfr"),
        ("grl+grl", "after the [+] one of dfr"),
        ("reweigh:0.5", "a strength with grl"),
        ("none:1+leace", "a strength with grl"),
        ("grl:", "a number after the colon"),
        ("grl:much", "a number after the colon"),
        ("grl:-1", "strength between 0.0 and"),
        ("grl:nan", "strength between 0.0 and"),
    ],
)
def test_bad_names_are_one_sentence(name, expected):
    with pytest.raises(UserError, match=expected):
        parse_variant(name)


def test_settings_are_those_of_the_base_but_for_the_variant():
    base = DebiasConfig(strength=3.0, branch_steps=7)
    settings = parse_variant("grl:2+leace").settings(base)
    assert settings == DebiasConfig(
        debias="grl", posthoc="leace", strength=2.0, branch_steps=7
    )
    assert parse_variant("grl").settings(base).strength == 3.0


def test_none_comes_first_and_each_once():
    base = DebiasConfig(strength=2.0)
    names = [v.name for v in parse_variants(["grl:1", "reweigh"], base)]
    assert names == ["none", "grl:1", "reweigh"]
    names = [v.name for v in parse_variants(["reweigh", "none"], base)]
    assert names == ["none", "reweigh"]
    with pytest.raises(UserError, match="grl and grl:2, which are the same"):
        parse_variants(["grl", "grl:2"], base)


def test_a_sweep_has_its_methods_as_variants():
    with pytest.raises(UserError, match="as variants.*debias=grl"):
        SweepSettings(DebiasConfig(debias="grl"))
    with pytest.raises(UserError, match="debias_scope=branch"):
        SweepSettings(DebiasConfig(debias_scope="network"))
