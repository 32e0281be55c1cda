"""What the operator of the service decides."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

SHORTEST_TOKEN = 16


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Address, secrets and bounds of a service.

    Raises
    ------
    ValueError
        If others than this machine can reach the address, and there is no token; or if a bound is
        not positive.

    Examples
    --------
    >>> Settings(port=8080).loopback
    True
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = field(default=None, repr=False)
    """The secret that each request must bring; None asks for none."""
    hosts: tuple[str, ...] = ()
    """Names by which others call this machine, beside its addresses: "matting.example.org"."""
    weights: Path | None = None
    """A folder of networks: weights in files named like their preset, as modnet.safetensors, and
    files in ONNX, which are methods of their names."""
    workers: int = 1
    """Jobs that run at the same time."""
    queue: int = 32
    """Jobs that may wait."""
    limit: float = 300
    """Seconds that a job may take."""
    keep: float = 3600
    """Seconds for which a result is kept after it was last asked for."""
    grace: float = 30
    """Seconds that running jobs get to finish when the service is stopped."""
    patience: float = 120
    """Seconds that an upload may take; a tenth of them may pass in silence."""
    most_bytes: int = 64 * 2**20
    """Bytes of one file, and of one request; a batch may bring eight times as many."""
    most_pixels: int = 25_000_000
    """Pixels of one picture."""
    most_disk: int = 8 * 2**30
    """Bytes on disk of all jobs together; the oldest results make room for new ones."""
    folder: Path | None = None
    """Where the private folder of the service is made; None is the system's place for these."""

    def __post_init__(self) -> None:
        most = ("most_bytes", "most_pixels", "most_disk")
        for name in ("workers", "queue", "limit", "keep", "patience", *most):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` is {getattr(self, name)}; expected more than 0.")
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise ValueError(
                f"`token` has {len(self.token)} characters; expected at least {SHORTEST_TOKEN}, "
                "such as `secrets.token_urlsafe()` gives."
            )
        if self.token is None and not self.loopback:
            raise ValueError(
                f"`host` is {self.host}, which other machines can reach; expected a `token`, too, "
                "or 127.0.0.1."
            )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
