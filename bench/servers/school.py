"""Fills a data folder for the school application, by its own `reactor seed`.

    python school.py FOLDER SCALE

Prints one JSON object: how long it took.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["fill"]

ROOT = Path(__file__).parents[2]


def fill(folder: str, scale: str) -> float:
    """Seconds to make the data."""
    start = time.perf_counter()
    command = [str(Path(sys.executable).parent / "reactor"), "seed", "--scale", scale, "--quiet"]
    subprocess.run([*command, "--dir", str(ROOT), "--data", folder], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    sys.stdout.write(json.dumps({"seconds": fill(sys.argv[1], sys.argv[2])}) + "\n")


if __name__ == "__main__":
    main()
