import gzip
import io
import os
import threading

import numpy as np
import pytest

from alphamat.io.images import image_size, read_image, write_image

PICTURE = np.random.default_rng(19).integers(0, 65536, (11, 14, 3), np.uint16)


@pytest.fixture
def photo(tmp_path):
    write_image(tmp_path / "photo.png", PICTURE, bits=16)
    return tmp_path / "photo.png"


def piped(path, content):
    """Write to a named pipe, as another program would."""
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=[content])
    thread.start()
    return thread


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
@pytest.mark.parametrize("function", [read_image, image_size])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_what_comes_through_a_pipe_is_read_once(tmp_path, function, ending):
    file = tmp_path / f"a.{ending}"
    write_image(file, PICTURE, bits=16)
    thread = piped(tmp_path / "pipe", file.read_bytes())
    np.testing.assert_array_equal(function(tmp_path / "pipe"), function(file))
    thread.join()


def test_files_that_cannot_go_back_are_read(photo):
    class Stream(io.RawIOBase):
        """Bytes as they come from a network."""

        def __init__(self):
            self.content = io.BytesIO(photo.read_bytes())

        def readable(self):
            return True

        def read(self, size=-1):
            return self.content.read(size)

    np.testing.assert_array_equal(read_image(Stream()), PICTURE)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_files_that_are_unpacked_as_they_are_read(tmp_path, ending):
    write_image(tmp_path / f"a.{ending}", PICTURE, bits=16)
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write((tmp_path / f"a.{ending}").read_bytes())
    with gzip.open(tmp_path / "a.gz") as file:
        np.testing.assert_array_equal(read_image(file), PICTURE)


def test_open_files_are_read_from_their_start_and_named(photo, tmp_path):
    with open(photo, "rb") as file:
        file.seek(20)
        np.testing.assert_array_equal(read_image(file), PICTURE)
    (tmp_path / "short.png").write_bytes(photo.read_bytes()[:60])
    with open(tmp_path / "short.png", "rb") as file, pytest.raises(ValueError, match=r"short\.png"):
        read_image(file)
    with pytest.raises(ValueError, match="the file given is empty"):
        read_image(io.BytesIO())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (io.StringIO("text"), "open in text mode; open it in binary mode"),
        (b"\x89PNG", "`path` is a bytes; expected a path, or a file open for reading"),
        (None, "`path` is a NoneType; expected a path"),
    ],
)
def test_what_is_no_source_is_refused(source, message):
    with pytest.raises(TypeError, match=message):
        read_image(source)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        (
            "https://example.org/a.png",
            FileNotFoundError,
            "https://example.org/a.png is a URL; ",
        ),
        ("file:///home/a.png", FileNotFoundError, "is a URL"),
        ("nowhere/a.png", FileNotFoundError, "nowhere/a.png does not exist; expected an image"),
        ("-", FileNotFoundError, "standard input is /dev/stdin"),
        ("loop.png", FileNotFoundError, "loop.png is a link to loop.png, which does not exist or"),
        ("dangling.png", FileNotFoundError, "dangling.png is a link to gone.png, which does not"),
        (".", IsADirectoryError, "is a folder; expected an image file"),
    ],
)
def test_paths_without_a_file_say_why(tmp_path, monkeypatch, name, kind, message):
    monkeypatch.chdir(tmp_path)
    os.symlink("loop.png", "loop.png")
    os.symlink("gone.png", "dangling.png")
    for function in (read_image, image_size):
        with pytest.raises(kind, match=message):
            function(name)


def test_files_that_must_not_be_read_are_named(photo, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    with pytest.raises(PermissionError, match=r"photo\.png cannot be read: Permission denied"):
        read_image(photo)
