from __future__ import annotations

import errno
import gc
import logging
import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s3_server import SECRET, S3Server

from seedbed import store as store_module
from seedbed.builder import build
from seedbed.dataset import Dataset
from seedbed.errors import InputError, MissingExtra, SeedbedError
from seedbed.lock import Lock
from seedbed.merge import merge
from seedbed.plan import Part
from seedbed.recipe import Recipe, parse_recipe
from seedbed.store import LocalStore, RemoteStore, as_store, is_transient
from seedbed.verify import verify


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    running = S3Server()
    yield running
    running.stop()


@pytest.fixture
def bucket(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """An empty bucket's address; credentials stand in the environment alone."""
    import s3fs

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": server.address,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        # botocore tries again by itself, with waits of seconds; here seedbed is tested.
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    name = tmp_path.name.replace("_", "-").lower()
    s3fs.S3FileSystem().mkdir(name)
    server.seen.clear()
    server.troubles = 0
    yield f"s3://{name}"
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def recipe(dots_values: dict[str, Any]) -> Recipe:
    return parse_recipe(dots_values)


def objects(address: str) -> dict[str, bytes]:
    fs, root = as_store(address)._opened  # type: ignore[attr-defined]
    return {path.removeprefix(f"{root}/"): fs.cat_file(path) for path in fs.find(root)}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_dataset_on_s3_has_the_same_bytes_and_no_credentials(
    bucket: str,
    recipe: Recipe,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    build(recipe, tmp_path / "local", executor="serial")
    address = f"{bucket}/sets/dots"
    with caplog.at_level(logging.INFO):
        built = build(recipe, address, workers=2)
    assert objects(address) == contents(tmp_path / "local")
    assert build(recipe, address).already_complete
    dataset = Dataset.open(address)
    local = Dataset.open(tmp_path / "local")
    assert len(dataset) == 50
    assert dataset.samples("val").row(9) == local.samples("val").row(9)
    assert verify(address).good
    with pytest.raises(InputError, match="is no folder: copy the dataset to one first"):
        dataset.folder  # noqa: B018
    out, err = capfd.readouterr()
    told = (out + err + caplog.text + str(built)).encode()
    for text in (told, pickle.dumps(as_store(address)), *objects(address).values()):
        assert SECRET.encode() not in text


def test_a_build_on_s3_goes_on_where_it_stopped(
    bucket: str, recipe: Recipe, tmp_path: Path
) -> None:
    build(recipe, tmp_path / "local", executor="serial")
    address = f"{bucket}/dots"
    build(recipe, address, executor="serial", part=Part(1, 2))
    with pytest.raises(SeedbedError, match="3 of 7 shards"):
        merge([address])
    assert len(Dataset.open(address)) == 9 + 9 + 4 + 1
    resumed = build(recipe, address, executor="serial")
    assert (resumed.progress.resumed_shards, resumed.progress.made_shards) == (4, 3)
    assert objects(address) == contents(tmp_path / "local")
    fs = as_store(address)._opened[0]  # type: ignore[attr-defined]
    path = f"{address.removeprefix('s3://')}/shards/train-000001.parquet"
    content = bytearray(fs.cat_file(path))
    content[500] ^= 1
    fs.pipe_file(path, bytes(content))
    assert {problem.shard for problem in verify(address).problems} == {"train-000001"}
    assert verify(address, repair=True, workers=1).good
    assert objects(address) == contents(tmp_path / "local")
    merge([tmp_path / "local"], f"{bucket}/copy")
    assert objects(f"{bucket}/copy") == contents(tmp_path / "local")


def test_two_builds_at_once_on_s3(bucket: str) -> None:
    """The server itself keeps them apart: the lock is an object made only where there is none."""
    store = as_store(f"{bucket}/dots")
    with Lock(store):
        assert not store.create(".lock", b"")
        with pytest.raises(SeedbedError, match=f"is being built already \\(process {os.getpid()} "):
            Lock(store).__enter__()
    assert store.empty()


def test_large_objects_go_in_parts_and_are_there_whole_or_not_at_all(
    bucket: str, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PART_BYTES", 5 * 2**20)
    store = as_store(f"{bucket}/large")
    content = bytes(range(256)) * (12 * 2**12)
    with store.writing("a") as file:
        file.write(content)
    # 12 MiB: three parts, one request to begin and one to complete.
    assert (server.seen["PUT uploadId"], server.seen["POST uploads"]) == (3, 1)
    assert b"".join(store.blocks("a")) == content
    with pytest.raises(ValueError, match="no more"), store.writing("b") as file:
        file.write(content)
        raise ValueError("no more")
    server.troubled = lambda environ: "partNumber=2" in environ["QUERY_STRING"]
    server.troubles = 10_000
    monkeypatch.setattr(store_module, "RETRIES", 0)
    store._opened[0].retries = 1  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="slow down"), store.writing("c") as file:
        file.write(content)
    server.troubles = 0
    assert list(store.names("")) == ["a"]
    found = store._opened[0].call_s3(  # type: ignore[attr-defined]
        "list_multipart_uploads", Bucket=bucket.removeprefix("s3://")
    )
    assert found.get("Uploads", []) == []


def test_an_upload_that_cannot_be_given_up_is_not_finished_cut_short(
    bucket: str, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PART_BYTES", 5 * 2**20)
    monkeypatch.setattr(store_module, "RETRIES", 0)
    store = as_store(f"{bucket}/large")
    store._opened[0].retries = 1  # type: ignore[attr-defined]
    server.troubled = lambda environ: (
        "partNumber=2" in environ["QUERY_STRING"] or environ["REQUEST_METHOD"] == "DELETE"
    )
    server.troubles = 2
    with pytest.raises(OSError, match="slow down"), store.writing("a") as file:
        file.write(bytes(12 * 2**20))
    gc.collect()
    assert server.troubles == 0
    assert list(store.names("")) == []


def test_a_store_that_says_slow_down_is_asked_again(
    bucket: str, server: S3Server, recipe: Recipe, tmp_path: Path
) -> None:
    build(recipe, tmp_path / "local", executor="serial")
    server.troubled = lambda environ: environ["REQUEST_METHOD"] == "PUT"
    server.troubles = 4
    build(recipe, f"{bucket}/dots", executor="serial")
    assert server.troubles == 0
    assert objects(f"{bucket}/dots") == contents(tmp_path / "local")


def test_a_store_without_the_bucket_is_a_sentence(bucket: str, recipe: Recipe) -> None:
    with pytest.raises(SeedbedError, match=r"s3://no-such-bucket/dots: .*bucket does not exist"):
        build(recipe, "s3://no-such-bucket/dots", executor="serial")
    with pytest.raises(InputError, match="is no dataset"):
        Dataset.open(f"{bucket}/nothing")


def test_a_dataset_in_memory(recipe: Recipe, tmp_path: Path) -> None:
    import fsspec

    address = f"memory://{tmp_path.name}"
    build(recipe, tmp_path / "local", executor="serial")
    build(recipe, address)
    try:
        assert objects(address) == contents(tmp_path / "local")
        assert verify(address, workers=2).good
        with pytest.raises(InputError, match="build it with serial"):
            build(recipe, address + "2", executor="processes")
    finally:
        fsspec.filesystem("memory").rm("/", recursive=True)


def test_only_what_may_pass_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class HTTPClientError(Exception):
        """As botocore's, which is no OSError."""

    class HttpError(Exception):
        code = 503

    for error in (
        ConnectionResetError(),
        TimeoutError(),
        OSError(errno.EBUSY, "Slow down"),
        HTTPClientError(),
        HttpError(),
    ):
        assert is_transient(error)
    for error in (FileNotFoundError(), PermissionError(), ValueError(), OSError(errno.ENOSPC, "")):
        assert not is_transient(error)
    waits: list[float] = []
    monkeypatch.setattr(store_module.time, "sleep", waits.append)
    answers: list[Any] = [TimeoutError(), HTTPClientError(), "content"]

    def ask() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert store_module._patiently(ask) == "content"
    assert waits == [0.2, 0.4]
    answers = [HTTPClientError("no route")] * (store_module.RETRIES + 1)
    with pytest.raises(OSError, match="no route"):
        store_module._patiently(ask)
    answers = [PermissionError(errno.EACCES, "Forbidden"), "content"]
    with pytest.raises(PermissionError):
        store_module._patiently(ask)


def test_addresses_and_folders() -> None:
    for place in ("data/x", "/data/x", Path("data/x"), "file:///data/x", "C:\\data"):
        assert isinstance(as_store(place), LocalStore)
    assert str(as_store("file:///data/x")) == "/data/x"
    remote = as_store("s3://b/x/")
    assert isinstance(remote, RemoteStore)
    assert as_store(remote) is remote
    assert pickle.loads(pickle.dumps(remote)).address == "s3://b/x"
    for address in ("s3://user:word@b/x", "https://b/x?token=1"):
        with pytest.raises(InputError, match="must hold no credentials or options") as caught:
            as_store(address)
        assert "word" not in str(caught.value)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def absent(address: str, **options: Any) -> Any:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(MissingExtra, match=r"pip install 'seedbed\[s3\]'"):
        as_store("s3://b/x").size("a")
    for address in ("gs://b/x", "gcs://b/x"):
        with pytest.raises(MissingExtra, match=r"needs gcsfs.*pip install 'seedbed\[gcs\]'"):
            as_store(address).size("a")
    with pytest.raises(InputError, match="abfs://b/x cannot be opened: Install"):
        as_store("abfs://b/x").size("a")


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    """As two jobs of an array in containers, where both may be process 1."""
    store = LocalStore(tmp_path)
    store.prepare()
    with store.writing("marks/a.json") as first:
        first.write(b"first, and longer")
        with store.writing("marks/a.json") as second:
            second.write(b"second")
        assert store.read("marks/a.json") == b"second"
    assert store.read("marks/a.json") == b"first, and longer"
    assert list((tmp_path / "marks").iterdir()) == [tmp_path / "marks" / "a.json"]


def test_what_a_killed_writer_left_is_known_by_its_final_name(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.prepare()
    shutil.copy(__file__, store_module._temporary(tmp_path / "shards" / "train-000001.parquet"))
    known: list[str] = []
    store.clean(lambda name: bool(known.append(name)))
    assert known == ["train-000001.parquet"]
    assert len(list((tmp_path / "shards").iterdir())) == 1
    store.clean()
    assert list((tmp_path / "shards").iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
def test_a_file_is_created_whole_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def look(source: Path, target: Path) -> None:
        assert not target.exists()
        assert source.read_bytes() == b"one"
        link(source, target)

    link = os.link
    monkeypatch.setattr(os, "link", look if links else refuse)
    store = LocalStore(tmp_path)
    assert store.create("a", b"one")
    monkeypatch.setattr(os, "link", link if links else refuse)
    assert not store.create("a", b"two")
    assert store.read("a") == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
