"""Runs the tests with the arithmetic of other processors.

python -m tests.processors
python -m tests.processors tests/fairness

Every processor sums in an order of its own and has instructions of its own,
so the last bits of a float differ, and what a training makes of them differs
more. oneDNN and OpenBLAS can be told to compute as an older processor would;
Eigen's kernels (oneDNN off) stand in for one that is no relative. What this
processor hasn't got is named and not run.
"""

import os
import pathlib
import subprocess
import sys
import time

_CPU_INFO = pathlib.Path("/proc/cpuinfo")

# Name, the instructions it needs, and what tells the libraries.
_KINDS = (
    ("as it is", (), {}),
    (
        "AVX512_CORE: no bfloat16, no AMX",
        ("avx512f", "avx512bw", "avx512vl", "avx512dq"),
        {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "OPENBLAS_CORETYPE": "SkylakeX"},
    ),
    (
        "AVX2",
        ("avx2",),
        {"ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"},
    ),
    (
        "SSE41",
        ("sse4_1",),
        {"ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem"},
    ),
    ("without oneDNN", (), {"TF_ENABLE_ONEDNN_OPTS": "0"}),
)
_THREADS = (1, 2)


def main(arguments: list[str]) -> int:
    """Runs pytest once for each kind and number of threads; 0 if all passed."""
    has = set(_CPU_INFO.read_text().split()) if _CPU_INFO.exists() else set()
    outcomes = []
    for name, needed, settings in _KINDS:
        lacking = sorted(set(needed) - has)
        if lacking:
            outcomes.append((name, f"not run: no {', '.join(lacking)} here"))
            continue
        for threads in _THREADS:
            title = f"{name}, {threads} thread{'s' * (threads > 1)}"
            outcomes.append((title, _run(title, settings, threads, arguments)))
    print()
    for name, outcome in outcomes:
        print(f"{name:<40} {outcome}")
    return int(any(o.startswith("FAILED") for _, o in outcomes))


def _run(title, settings, threads, arguments):
    """Runs the tests in a process of their own and says how they ended."""
    print(f"\n=== {title} ===", flush=True)
    environment = {**os.environ, **settings} | {
        name: str(threads)
        for name in (
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
        )
    }
    begin = time.monotonic()
    status = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], env=environment
    ).returncode
    verdict = "FAILED" if status else "passed"
    return f"{verdict} in {time.monotonic() - begin:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
