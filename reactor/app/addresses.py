"""Where a server listens, and where others reach it."""

import socket

import msgspec

from reactor.errors import SettingsError
from reactor.runtime.origins import Origins
from reactor.settings import Settings

__all__ = ["Listeners", "cut_stalled", "listen", "local_url", "origins"]


class Listeners(msgspec.Struct):
    """Bound sockets: of the API, and of the HTTP endpoints where they have a port of their own."""

    main: socket.socket
    site: socket.socket | None

    @property
    def port(self) -> int:
        """The API's port."""
        return self.main.getsockname()[1]

    @property
    def site_port(self) -> int | None:
        """The port of the HTTP endpoints, None when they have none."""
        return None if self.site is None else self.site.getsockname()[1]

    def close(self) -> None:
        """Close both."""
        self.main.close()
        if self.site is not None:
            self.site.close()


def listen(settings: Settings) -> Listeners:
    """Bind what the settings say, before anything else is done, so that a taken port is an error at once.

    Raises SettingsError naming the setting to change.
    """
    main = _bind(settings.host, settings.port, "Stop what uses it, or choose another with --port.")
    try:
        listeners = Listeners(main, _listen_site(settings, main.getsockname()[1]))
    except BaseException:
        main.close()
        raise
    for listener in (listeners.main, listeners.site):
        if listener is not None:
            cut_stalled(listener, settings.silent_seconds)
    return listeners


def _listen_site(settings: Settings, main_port: int) -> socket.socket | None:
    wanted = settings.site_port
    if wanted == "off":
        return None
    if wanted == "next":
        # Nobody can know the port behind one that was chosen by chance, and it may be taken.
        wanted = 0 if settings.port == 0 or main_port == 65535 else main_port + 1
    remedy = "It is for HTTP endpoints: choose another with --site-port, or --site-port off to do without."
    return _bind(settings.host, wanted, remedy)


def _bind(host: str, port: int, remedy: str) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise SettingsError(f"host: {host!r} is no address of this machine ({error.strerror}).") from None
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise SettingsError(f"Cannot listen on {host} port {port}: {error.strerror}. {remedy}") from None
    return bound


def cut_stalled(listener: socket.socket, seconds: float) -> None:
    """Have the system end connections that take none of what is sent to them for so long, as it does with those whose
    other end is gone. Accepted sockets inherit it."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(int(seconds * 1000), 2**31 - 1))


def origins(settings: Settings, port: int, site_port: int | None) -> Origins:
    """Where clients reach the server, as set, else by the ports that it listens on."""
    cloud = settings.cloud_url or local_url(settings.host, port)
    if settings.site_url is not None:
        return Origins(cloud, settings.site_url)
    # Who has set the one address has a proxy, which need not pass on a second port.
    apart = site_port is not None and settings.cloud_url is None
    return Origins(cloud, local_url(settings.host, site_port) if apart else f"{cloud}/http")


def local_url(host: str, port: int | None) -> str:
    """The address of a port for programs on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
