"""The axis of ratios: ticks up to the end that is drawn, few enough for a phone."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dashboard.charts import ratios


def _row(high: float) -> dict[str, object]:
    group = {"attribute": "service", "value": "billing", "other_attribute": None, "other_value": None}
    shown = {"selected_count": 5, "group_count": 10, "attributable_fraction": 0.5}
    return {**group, **shown, "risk_ratio": high / 2, "risk_ratio_low": 1.2, "risk_ratio_high": high}


@pytest.mark.parametrize("high", [1.9, 8.0, 40.0, 700.0, 50_000.0])
def test_ticks_reach_the_end_and_are_few(high: float) -> None:
    figure = ratios.ranked(pa.Table.from_pylist([_row(high)]))
    shown = [tick for tick in figure.layout.xaxis.tickvals if tick <= high]
    assert shown[0] == 1
    assert max(figure.layout.xaxis.tickvals) >= high
    assert len(shown) <= 6
