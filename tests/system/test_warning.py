"""Warnings name the line of the user's that led to them."""

import sys
import warnings

import torch

import diffeo


def test_a_warning_is_from_the_users_line_however_deep_it_arises() -> None:
    flow, x = diffeo.RealNVP(2, couplings=1, width=8), torch.randn(20, 2)
    x[3], x[:, 1] = torch.nan, 1.0
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        here = sys._getframe().f_lineno + 1
        flow.initialize(x)  # below torch.no_grad; the flow, a layer and another layer have something to say
        diffeo.RealNVP(1)
    lines = [(one.filename, one.lineno) for one in shown]
    assert lines == [(__file__, here)] * 3 + [(__file__, here + 1)]


def test_a_warning_in_a_loop_is_shown_once() -> None:
    flow = diffeo.RealNVP(2, couplings=1, width=8)
    with torch.no_grad():
        flow.bijection.layers[0].mean.fill_(torch.inf)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(3):
            flow.sample(5)
    assert [str(one.message) for one in shown] == ["RealNVP: 5 of 5 samples are not finite"]
    assert shown[0].filename == __file__
