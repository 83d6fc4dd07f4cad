import logging

from tp_keras.quiet import no_retracing_messages


def test_a_logger_tells_all_but_of_functions_traced_again(caplog):
    logger = logging.getLogger("some package")
    no_retracing_messages(logger)
    logger.warning("5 calls to %s triggered tf.function retracing.", "f")
    logger.warning("The disk is %s.", "full")
    assert [record.getMessage() for record in caplog.records] == [
        "The disk is full."
    ]
