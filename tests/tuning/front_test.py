import numpy as np

from tests.tuning.results import make_result
from tp_keras.tuning.front import front_plot
from tp_keras.tuning.front import pareto_front


def test_the_front_of_a_case_by_hand():
    #      A    B    C    D    E    F
    cost = [1.0, 2.0, 3.0, 3.0, 4.0, 0.5]
    score = [0.6, 0.8, 0.7, 0.9, 0.9, 0.6]
    # F beats A (same score, cheaper); B and D stand; B beats C; D beats E.
    assert pareto_front(score, cost) == [5, 1, 3]
    # Equals share the front.
    assert pareto_front([0.5, 0.7, 0.7, 0.5], [1, 2, 2, 3]) == [0, 1, 2]
    assert pareto_front([], []) == []


def test_the_front_is_who_nobody_beats():
    rng = np.random.default_rng(0)
    for _ in range(50):
        # Few levels, so that ties of every kind occur.
        score, cost = rng.integers(0, 5, (2, 12))

        def beats(a, b, score=score, cost=cost):
            no_worse = score[a] >= score[b] and cost[a] <= cost[b]
            return no_worse and (score[a], cost[a]) != (score[b], cost[b])

        unbeaten = {
            b for b in range(12) if not any(beats(a, b) for a in range(12))
        }
        front = pareto_front(score, cost)
        assert set(front) == unbeaten
        assert len(front) == len(unbeaten)
        assert [cost[i] for i in front] == sorted(cost[i] for i in front)


def test_the_plot_shows_every_trial():
    results = [
        make_result("0", score=0.7, latency_ms=0.2),
        make_result("1", score=0.9, latency_ms=0.4),
        make_result("2", score=0.8, latency_ms=0.5),
        make_result("3", score=0.6, latency_ms=0.3, budget_seconds=1.0),
    ]
    (axes,) = front_plot(results).axes
    partial, full = (scatter.get_offsets() for scatter in axes.collections)
    assert partial.tolist() == [[0.3, 0.6]]
    assert full.tolist() == [[0.2, 0.7], [0.4, 0.9], [0.5, 0.8]]
    (front,) = axes.lines
    assert front.get_xydata().tolist() == [[0.2, 0.7], [0.4, 0.9]]
    assert [text.get_text()[:1] for text in axes.texts] == ["0", "1", "2"]
