"""The parts put together: one application, served or run in this process."""

from reactor.app.copying import copy
from reactor.app.described import openapi
from reactor.app.generated import begin_types, codegen
from reactor.app.local import migrate_local, repeat_local, run_local
from reactor.app.parts import Parts
from reactor.app.serving import serve

__all__ = ["Parts", "begin_types", "codegen", "copy", "migrate_local", "openapi", "repeat_local", "run_local", "serve"]
