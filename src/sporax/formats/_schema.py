"""The schema of MindSpore's `.ckpt` format: markers, dtype names, and protobuf messages, created at first use.

Field numbers and types are those of the descriptor in MindSpore 2.10 and of the files that it writes. The classes are
in a separate descriptor pool, so that they do not conflict with MindSpore's `checkpoint.proto` or TensorFlow's message
of the same name in the same process.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

PACKAGE = "sporax.ckpt"

VALUE_TAG = b"\x0a"
"""Begins the frame of each Value: field 1, followed by a length."""

SPORAX_HEADER = b"\x82\x7d\x08sporax 1"
"""Begins every `.ckpt` file of sporax: field 2000, eight bytes. MindSpore ignores it as unknown."""

CRC_MARK = b"crc_num"

TYPE_NAMES = {
    "bool": "Bool",
    "int8": "Int8",
    "int16": "Int16",
    "int32": "Int32",
    "int64": "Int64",
    "uint8": "UInt8",
    "uint16": "UInt16",
    "uint32": "UInt32",
    "uint64": "UInt64",
    "float16": "Float16",
    "float32": "Float32",
    "float64": "Float64",
    "bfloat16": "BFloat16",
    "complex64": "Complex64",
    "complex128": "Complex128",
}
NUMPY_NAMES = {stored: name for name, stored in TYPE_NAMES.items()}


def numpy_dtype(stored: str) -> np.dtype[Any]:
    """Return the little-endian NumPy dtype of a stored type name."""
    if stored == "BFloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(NUMPY_NAMES[stored]).newbyteorder("<")


@functools.cache
def value_class() -> Any:
    """Return the message class of a named tensor: `tag`, and `tensor` (dims, tensor_type, tensor_content).

    The file is a sequence of these, each framed as field 1 of an outer message. The outer message is never parsed as a
    whole, because protobuf messages are limited to 2 GiB, and files can be larger.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="sporax/ckpt.proto", package=PACKAGE, syntax="proto2")

    def message(name: str, *fields: tuple[str, int, int, int, str | None]) -> None:
        added = file.message_type.add(name=name)
        for label, number, presence, kind, type_name in fields:
            added.field.add(name=label, number=number, label=presence, type=kind, type_name=type_name)  # pyright: ignore[reportArgumentType]

    required, optional, repeated = field.LABEL_REQUIRED, field.LABEL_OPTIONAL, field.LABEL_REPEATED
    message(
        "Tensor",
        ("dims", 1, repeated, field.TYPE_INT64, None),
        ("tensor_type", 2, required, field.TYPE_STRING, None),
        ("tensor_content", 3, required, field.TYPE_BYTES, None),
    )
    message("Map", ("tensor", 1, repeated, field.TYPE_MESSAGE, f".{PACKAGE}.Tensor"))
    message(
        "Value",
        ("tag", 1, required, field.TYPE_STRING, None),
        ("tensor", 2, optional, field.TYPE_MESSAGE, f".{PACKAGE}.Tensor"),
        ("maptensor", 3, optional, field.TYPE_MESSAGE, f".{PACKAGE}.Map"),
    )
    value = file.message_type[2]
    value.oneof_decl.add(name="value")
    value.field[1].oneof_index = value.field[2].oneof_index = 0

    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Value"))
