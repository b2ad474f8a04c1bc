"""Paths of functions that are written as attributes: `api.admin.rooms.list` for `admin/rooms:list`.

Names become a path when the path is used, so they never know less than the code that serves; which of them there are
is what generated types say (get-convex/convex-backend, npm-packages/convex/src/server/api.ts).
"""

__all__ = ["PathName"]


class PathName:
    """What `api` and `internal` of generated types are. `str()` of it is the path."""

    __slots__ = ("__parts",)

    def __init__(self, *parts: str) -> None:
        self.__parts = parts

    def __getattr__(self, name: str) -> "PathName":
        # Names of this form are asked for by copy, pickle and the like, to see what an object can do.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"PathName has no attribute {name!r}", name=name, obj=self)
        return PathName(*self.__parts, name)

    def __str__(self) -> str:
        *modules, name = self.__parts or ("",)
        return f"{'/'.join(modules)}:{name}" if modules else name

    def __repr__(self) -> str:
        return ".".join(("api", *self.__parts))
