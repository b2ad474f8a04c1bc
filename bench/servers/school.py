"""Fills a data folder for the school application, by its own `reactor seed`.

    python school.py FOLDER SCALE

Prints one JSON object: how long that took, and whether the data were there from an earlier run. They are kept under
bench/out/seeded/ for as long as the code that makes and stores them is the same, and the day, for what is two years of
data today ends with today.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["fill"]

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "bench" / "out" / "seeded"
CODE = ("functions", "schema.py", "reactor/schema.py", "reactor/database", "reactor/store", "reactor/values")


def fill(folder: Path, scale: str) -> bool:
    """Put the data into the folder; whether they had only to be copied."""
    kept = KEPT / scale / made_of(scale)
    found = kept.exists()
    if not found:
        keep(kept, scale)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    os.sync()  # so that what is measured next does not wait for it
    return found


def made_of(scale: str) -> str:
    """A digest of all that the data depend on."""
    digest = hashlib.sha256(f"{scale} {datetime.now(UTC):%Y-%m-%d}".encode())
    for file in sources():
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def sources() -> Iterator[Path]:
    for part in CODE:
        yield from sorted((ROOT / part).rglob("*.py")) if (ROOT / part).is_dir() else [ROOT / part]


def keep(place: Path, scale: str) -> None:
    """Make the data, in place of what was kept before."""
    shutil.rmtree(place.parent, ignore_errors=True)
    making = place.with_suffix(".part")
    making.mkdir(parents=True)
    command = [str(Path(sys.executable).parent / "reactor"), "seed", "--scale", scale]
    subprocess.run([*command, "--dir", str(ROOT), "--data", str(making)], check=True, stdout=subprocess.DEVNULL)
    making.rename(place)


def main() -> None:
    start = time.perf_counter()
    found = fill(Path(sys.argv[1]), sys.argv[2])
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - start, "kept": found}) + "\n")


if __name__ == "__main__":
    main()
