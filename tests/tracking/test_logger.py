from __future__ import annotations

from metta.tracking.logger import Logger, NullLogger


def test_the_null_logger_is_a_logger_that_keeps_nothing() -> None:
    logger: Logger = NullLogger()
    logger.restore({"anything": 1})
    logger.log({"reward": 1.0}, 1)
    assert logger.state() == {}
    logger.close()
