# SPDX-License-Identifier: Apache-2.0
"""ONNX files of the network, for programs: what cannot be read, changed or written is one line and exit code 2."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto


def refuse(line: str) -> NoReturn:
    print(line, file=sys.stderr)
    raise SystemExit(2)


def changed_or_exit(path: Path, change: Callable[[ModelProto], None]) -> ModelProto:
    """The file's network after `change`, which raises ValueError for one that it cannot change."""
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
        change(model)
        onnx.checker.check_model(model)
    except OSError as error:
        refuse(f"{path}: cannot be read: {error.strerror}")
    except (DecodeError, onnx.checker.ValidationError):
        refuse(f"{path}: found no ONNX network, or one that is not sound, expected one that export.py or quantise.py wrote")
    except ValueError as error:
        refuse(f"{path}: {error}")
    return model


def write_or_exit(contents: bytes, path: Path) -> None:
    """Beside it and renamed, so that `path` is never half a file."""
    partial = path.with_name(f"{path.name}.part")
    try:
        partial.write_bytes(contents)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        refuse(f"{path}: cannot be written: {error.strerror}")
