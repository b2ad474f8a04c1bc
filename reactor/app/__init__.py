"""The parts put together: one application, served or run in this process."""

from reactor.app.local import run_local
from reactor.app.parts import Parts
from reactor.app.serving import serve

__all__ = ["Parts", "run_local", "serve"]
