from benchmarks.accuracy import print_table
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.evaluation.evaluator import evaluate_predictions


def evaluate(share, seed):
    """Records of answers of which a share is right."""
    portraits = make_portraits(100, schema=EVERY_KIND, missing=0.0)
    wrong = slice(round(share * 100), None)
    answers = {}
    for task in EVERY_KIND.tasks:
        answer = portraits.labels[task.name].copy()
        if task.has_classes:
            answer[wrong] = (answer[wrong] + 1) % task.num_classes
            answer = (answer[:, None] == range(task.num_classes)).astype(float)
        elif task.classes:
            answer[wrong] = 1 - answer[wrong]
        else:
            answer[wrong] += 10
        answers[task.name] = answer
    return evaluate_predictions(
        answers,
        portraits.labels,
        EVERY_KIND,
        seed=seed,
        split="test",
        num_bootstraps=2,
    )


def test_columns_are_those_of_every_kind(capsys):
    rows = [
        (seed, {"seconds": 10.0 + seed, "best_epoch": 3}, evaluate(share, seed))
        for seed, share in enumerate((0.8, 0.9))
    ]
    print_table("every kind", rows)
    title, _, header, _, first, _, mean = (
        capsys.readouterr().out.strip().split("\n")
    )
    assert title == "every kind"
    assert header == (
        "| seed | train s | best epoch | age mean error | age within 5 years "
        "| mood | origin | signs | smile |"
    )
    shares = " | ".join(["0.800 (n = 100)"] * 5)
    assert first == f"| 0 | 10 | 3 | 2.000 (n = 100) | {shares} |"
    assert mean == "| mean | 10 |  | **1.500** " + "| **0.850** " * 5 + "|"
