"""Where a deployment is reached from outside."""

import msgspec

__all__ = ["LOCAL", "Origins"]


class Origins(msgspec.Struct, frozen=True):
    """`cloud` is the address that clients connect to, `site` that of the HTTP endpoints; without a slash at the end.

    Official counterparts are the variables CONVEX_CLOUD_URL and CONVEX_SITE_URL.
    """

    cloud: str = "http://127.0.0.1:3210"
    site: str = "http://127.0.0.1:3210/http"


LOCAL = Origins()
"""Of a server that says nothing else."""
