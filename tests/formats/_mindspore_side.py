"""Run by the Python of a real MindSpore: `make FOLDER` writes checkpoints, `check FOLDER` reads those of sporax.

It imports no sporax. `check` prints one JSON object; the test reads it.
"""

import json
import os
import sys

import numpy as np

DTYPES = [
    *("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64"),
]


def _net():
    import mindspore
    from mindspore import nn

    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc = nn.Dense(3, 2)
            self.bn = nn.BatchNorm1d(2)
            self.scale = mindspore.Parameter(mindspore.Tensor(0.25), name="scale")

        def construct(self, x):
            return self.bn(self.fc(x)) * self.scale

    return Net()


def make(folder):
    import mindspore as ms
    from mindspore import Tensor

    data = [
        {"name": f"t.{name}", "data": Tensor(np.array([[1, 0, 3], [7, 2, 5]]), getattr(ms, name))} for name in DTYPES
    ]
    data.append({"name": "scalar", "data": Tensor(2.5)})
    data.append({"name": "deep", "data": Tensor(np.arange(24, dtype=np.float32).reshape(2, 3, 4))})
    extra = {"epoch_num": 3, "loss": 1.5, "flag": True, "note": "page né"}
    ms.save_checkpoint(data, os.path.join(folder, "plain.ckpt"), append_dict=extra)
    ms.save_checkpoint(data, os.path.join(folder, "crc.ckpt"), append_dict=extra, crc_check=True)
    ms.save_checkpoint(data, os.path.join(folder, "plain.safetensors"), format="safetensors")
    net = _net()
    net.fc.weight.set_data(Tensor(np.float32([[1, 2, 3], [4, 5, 6]])))
    net.fc.bias.set_data(Tensor(np.float32([7, 8])))
    ms.save_checkpoint(net, os.path.join(folder, "net.ckpt"))


def _contents(loaded):
    report = {}
    for name, value in loaded.items():
        if isinstance(value, str):
            report[name] = ["str", None, value]
        else:
            report[name] = [str(value.dtype), list(value.shape), value.float().asnumpy().tolist()]
    return report


def check(folder):
    import mindspore as ms

    report = {}
    for file in sorted(os.listdir(folder)):
        path = os.path.join(folder, file)
        kind = "safetensors" if file.endswith(".safetensors") else "ckpt"
        report[file] = _contents(ms.load_checkpoint(path, format=kind))
        if kind == "ckpt":
            report[file + " checked"] = _contents(ms.load_checkpoint(path, crc_check=True))
    net = _net()
    missing, unused = ms.load_param_into_net(net, ms.load_checkpoint(os.path.join(folder, "net.ckpt")))
    report["net"] = {"missing": missing, "unused": unused, "weight": net.fc.weight.asnumpy().tolist()}
    print("REPORT" + json.dumps(report))


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](sys.argv[2])
