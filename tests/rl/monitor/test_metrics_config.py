from __future__ import annotations

import subprocess
import sys

import pytest

from metta.common.errors import ConfigError
from metta.rl.monitor.metrics_config import MetricsConfig


def test_defaults_write_a_row_each_epoch_and_nothing_costly() -> None:
    config = MetricsConfig()
    assert config.interval == 1
    assert (config.gradient_interval, config.profiler_interval, config.tensorboard) == (0, 0, False)


@pytest.mark.parametrize("key", ["interval", "window"])
def test_nothing_is_told_every_zero_epochs(key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        MetricsConfig.model_validate({key: 0})


def test_the_config_knows_no_torch() -> None:
    code = "import sys; import metta.rl.monitor.metrics_config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
