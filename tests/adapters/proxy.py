"""A line to the server that a test can cut, slow down, silence or wrap in TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Self
from urllib.parse import parse_qs, urlsplit

SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class Line:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server

    def reset(self) -> None:
        """Break the connection on both sides, the client's with a RST."""
        sock = self.client.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.transport.abort()
        self.server.transport.abort()


class Proxy:
    """Listens on a port of this machine and passes everything on to a PostgreSQL server.

    ::

        async with Proxy(postgresql_url) as proxy:
            DatabaseConfig(proxy.url)
            proxy.cut()
    """

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None, answer_to_tls: bytes | None = None) -> None:
        self._target = urlsplit(url)
        self._tls = tls
        #: What a request for TLS is answered with if not by TLS; b"" is no answer.
        self._answer_to_tls = b"N" if answer_to_tls is None else answer_to_tls
        self.lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        #: Seconds that everything takes longer, in each direction.
        self.delay = 0.0
        #: The largest piece that is passed on at once.
        self.piece = 65536
        #: Nothing gets through in this direction; it is swallowed.
        self.to_server_is_black = False
        self.to_client_is_black = False
        #: Called with what a client sends before it is passed on; False: do not pass it on.
        self.watch_client: Callable[[Line, bytes], bool] | None = None
        #: The same for what the server sends; what it returns is passed on.
        self.change_answer: Callable[[Line, bytes], bytes] | None = None
        #: Connections so far.
        self.count = 0
        self.encrypted = 0

    @property
    def url(self) -> str:
        user = f"{self._target.username}@" if self._target.username else ""
        return f"postgresql://{user}127.0.0.1:{self.port}{self._target.path}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def open(self) -> None:
        """Begin to listen, on the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Stop listening and break every connection."""
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Break every connection."""
        for line in list(self.lines):
            line.reset()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await self._greet(reader, writer)
            from_server, to_server = await self._connect()
            line = Line(writer, to_server)
            self.lines.add(line)
            try:
                if first:
                    to_server.write(first)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._to_server(line, reader))
                    group.create_task(self._to_client(line, from_server))
            finally:
                self.lines.discard(line)
                to_server.transport.abort()
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Answer a request for TLS; return what else was read."""
        first = await reader.readexactly(8)
        if first != SSL_REQUEST:
            return first
        if self._tls is None:
            writer.write(self._answer_to_tls)
            return b""
        writer.write(b"S")
        await writer.start_tls(self._tls)
        self.encrypted += 1
        return b""

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = parse_qs(self._target.query).get("host", [self._target.hostname or "localhost"])[0]
        port = self._target.port or 5432
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(folder, port)

    async def _to_server(self, line: Line, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(self.piece):
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.to_server_is_black or (self.watch_client is not None and not self.watch_client(line, data)):
                continue
            line.server.write(data)
        line.server.close()

    async def _to_client(self, line: Line, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(self.piece):
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.to_client_is_black:
                continue
            if self.change_answer is not None:
                data = self.change_answer(line, data)
            line.client.write(data)
            await line.client.drain()
        line.client.close()
