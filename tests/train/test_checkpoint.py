"""save_checkpoint, load_checkpoint, load_param_into_net, and the state of a run."""

import inspect
import os
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

from sporax import formats
from sporax._errors import ArgumentError, ArgumentTypeError, CheckpointError, SporaxWarning
from sporax.core import Cell, Parameter, ParameterTuple, Tensor, next_key, set_seed
from sporax.train.checkpoint import (
    async_ckpt_thread_status,
    load_checkpoint,
    load_param_into_net,
    load_training_state,
    save_checkpoint,
    save_training_state,
    wait_for_checkpoints,
)


class Layer(Cell):
    def __init__(self, rows=1, dtype=np.float32):
        super().__init__()
        self.weight = Parameter(np.array([[1.5, -2.5]] * rows).astype(dtype), name="weight")
        self.bias = Parameter(np.array([0.25] * rows).astype(dtype), name="bias")


class Net(Cell):
    def __init__(self, **arguments):
        super().__init__()
        self.fc = Layer(**arguments)


class Wrapped(Cell):
    def __init__(self):
        super().__init__()
        self.net = Net()


class One(Cell):
    def __init__(self, value, dtype):
        super().__init__()
        self.w = Parameter(np.array(value).astype(dtype), name="w")


def zeroed(net):
    for parameter in net.get_parameters():
        parameter.set_data(np.zeros(parameter.shape, parameter.dtype.dtype))
    return net


def values(net):
    return {each.name: each.asnumpy().tolist() for each in net.get_parameters()}


ORIGINAL = {"fc.weight": [[1.5, -2.5]], "fc.bias": [0.25]}
NOTHING = {"fc.weight": [[0.0, 0.0]], "fc.bias": [0.0]}


# --- round trips --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, jnp.bfloat16, np.float64, np.int8, np.int64, np.bool_])
def test_round_trip(tmp_path, format, dtype):
    net, path = Net(rows=3, dtype=dtype), tmp_path / "net"
    assert save_checkpoint(net, str(path), format=format) is None
    assert os.listdir(tmp_path) == [f"net.{format}"]
    loaded = load_checkpoint(f"{path}.{format}", format=format)
    assert set(loaded) == {"fc.weight", "fc.bias"}
    for name, parameter in loaded.items():
        assert isinstance(parameter, Parameter)
        assert parameter.name == name
        assert parameter.dtype == net.parameters_dict()[name].dtype
    fresh = zeroed(Net(rows=3, dtype=dtype))
    assert load_param_into_net(fresh, loaded) == ([], [])
    assert values(fresh) == values(net)


def test_file_names(tmp_path):
    for name, format, expected in (
        ("a", "ckpt", "a.ckpt"),
        ("b.ckpt", "ckpt", "b.ckpt"),
        ("c.bin", "ckpt", "c.bin.ckpt"),
        ("d.ckpt", "safetensors", "d.ckpt.safetensors"),
    ):
        save_checkpoint(Net(), tmp_path / name, format=format)
        assert (tmp_path / expected).exists()
    assert set(load_checkpoint(tmp_path / "d.ckpt.safetensors")) == set(ORIGINAL)


def test_what_can_be_saved(tmp_path):
    path, net = str(tmp_path / "a.ckpt"), Net()
    weight = net.fc.weight
    for given, expected in (
        ({"w": weight, "t": Tensor(2.0), "a": np.float32([3])}, ["w", "t", "a"]),
        ([weight, net.fc.bias], ["fc.weight", "fc.bias"]),
        ([{"name": "x", "data": Tensor([1.0])}, {"name": "y", "data": weight}], ["x", "y"]),
        (Wrapped(), ["net.fc.weight", "net.fc.bias"]),
    ):
        save_checkpoint(given, path)
        assert list(load_checkpoint(path)) == expected


def test_append_dict(tmp_path):
    path = str(tmp_path / "a.ckpt")
    more = {"e": 3, "l": 0.1, "p": Parameter(Tensor([1.0]), name="pp"), "s": "text", "b": False}
    save_checkpoint(Net(), path, append_dict=more)
    loaded = load_checkpoint(path)
    assert loaded.pop("s") == "text"
    shown = {name: str(loaded[name]) for name in ("e", "p", "b")}
    assert shown == {
        "e": "Parameter (name=e, shape=(), dtype=Int64, requires_grad=True)",
        "p": "Parameter (name=p, shape=(1,), dtype=Float32, requires_grad=True)",
        "b": "Parameter (name=b, shape=(), dtype=Bool, requires_grad=True)",
    }
    assert loaded["l"].item() == 0.1


def test_choosing(tmp_path):
    path, net = str(tmp_path / "a.ckpt"), Net()
    save_checkpoint(net, path, choice_func=lambda name: "bias" in name)
    assert list(load_checkpoint(path)) == ["fc.bias"]
    save_checkpoint(net, path)
    assert list(load_checkpoint(path, filter_prefix="fc.b")) == ["fc.weight"]
    assert list(load_checkpoint(path, specify_prefix=["fc.w", "x"])) == ["fc.weight"]
    assert list(load_checkpoint(path, choice_func=lambda name: name == "fc.bias")) == ["fc.bias"]
    with pytest.raises(CheckpointError, match=r"no entry is left of the 2 entries .* are fc\.weight, fc\.bias"):
        load_checkpoint(path, filter_prefix="fc")


def test_background_saves_copy_the_values_immediately(tmp_path):
    net = Net()
    for step in range(5):
        net.fc.bias.set_data(Tensor([float(step)]))
        save_checkpoint(net, str(tmp_path / f"{step}.ckpt"), async_save=True)
    wait_for_checkpoints()
    assert not async_ckpt_thread_status()
    assert [load_checkpoint(str(tmp_path / f"{step}.ckpt"))["fc.bias"].item() for step in range(5)] == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_loading_waits_for_background_saves(tmp_path):
    path = str(tmp_path / "a.ckpt")
    save_checkpoint({"w": np.zeros(1 << 20, np.float32)}, path, async_save=True)
    assert load_checkpoint(path)["w"].shape == (1 << 20,)


def test_a_failed_background_save(tmp_path):
    def save_and_wait():
        save_checkpoint(Net(), str(tmp_path / "no" / "a.ckpt"), async_save=True)
        wait_for_checkpoints()

    with (
        pytest.warns(SporaxWarning, match="could not be saved"),
        pytest.raises(CheckpointError, match=r"no/a\.ckpt' could not be saved"),
    ):
        save_and_wait()
    wait_for_checkpoints()


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = str(tmp_path / "a.ckpt")
    save_checkpoint(Net(), path)
    with pytest.raises(CheckpointError, match="'w'"):
        save_checkpoint({"w": np.array(["text"])}, path)
    assert set(load_checkpoint(path)) == set(ORIGINAL)
    assert os.listdir(tmp_path) == ["a.ckpt"]


def test_two_parameters_with_one_name_are_not_lost_silently(tmp_path):
    net = Net()
    net.fc.bias.name = "fc.weight"
    with pytest.raises(CheckpointError, match=r"the name 'fc\.weight' is in the list twice"):
        save_checkpoint([net.fc.weight, net.fc.bias], str(tmp_path / "a.ckpt"))
    # Repeated names are replaced by paths, as in MindSpore at the first call.
    save_checkpoint(net, str(tmp_path / "a.ckpt"))
    assert list(load_checkpoint(str(tmp_path / "a.ckpt"))) == ["fc.weight", "fc.bias"]
    pair = Cell()
    pair.a = ParameterTuple([Parameter(1.0, name="w")])
    pair.b = ParameterTuple([Parameter(2.0, name="w")])
    with pytest.raises(CheckpointError, match="two Parameters of Cell have the name 'w'"):
        save_checkpoint(pair, str(tmp_path / "b.ckpt"))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"save_obj": 3},
            ArgumentTypeError,
            "`save_obj` must be a Cell, a dict or a list, but got 3 of type int",
        ),
        ({"save_obj": [{"n": 1}]}, ArgumentTypeError, "with the keys 'name' and 'data', but got {'n': 1}"),
        (
            {"save_obj": [{"name": "a", "data": 3}]},
            ArgumentTypeError,
            "'data' a Parameter or Tensor, but got 'a' and 3",
        ),
        ({"save_obj": {1: Tensor(1.0)}}, ArgumentTypeError, "a name in `save_obj` must be a str, but got 1"),
        (
            {"save_obj": {"a": []}},
            ArgumentTypeError,
            r"the value of 'a' in `save_obj` must be .* but got \[\]",
        ),
        ({"ckpt_file_name": 3}, ArgumentTypeError, "`ckpt_file_name` must be a str, but got 3 of type int"),
        ({"format": "foo"}, ArgumentError, "`format` must be one of 'ckpt', 'safetensors', but got 'foo'"),
        ({"append_dict": [1]}, ArgumentTypeError, r"`append_dict` must be a dict, but got \[1\]"),
        (
            {"append_dict": {"a": None}},
            ArgumentTypeError,
            "the value of 'a' in `append_dict` must be .* but got None",
        ),
        ({"enc_key": b"0" * 16}, ArgumentError, "sporax does not encrypt checkpoints"),
        ({"async_save": 3}, ArgumentTypeError, "`async_save` must be a bool, but got 3"),
        ({"integrated_save": 3}, ArgumentTypeError, "`integrated_save` must be bool, but got 3"),
        ({"crc_check": 3}, ArgumentTypeError, "`crc_check` must be bool, but got 3"),
        ({"choice_func": 3}, ArgumentTypeError, "`choice_func` must be a function of a name, but got 3"),
        ({"foo": 3}, ArgumentTypeError, "there is no argument 'foo'"),
    ],
)
def test_invalid_save(tmp_path, arguments, error, message):
    given = {"save_obj": Net(), "ckpt_file_name": str(tmp_path / "a.ckpt")} | arguments
    with pytest.raises(error, match=f"save_checkpoint: .*{message}"):
        save_checkpoint(**given)
    assert os.listdir(tmp_path) == []


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        save_checkpoint(Net(), str(tmp_path / "no" / "a.ckpt"))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ckpt_file_name": 3}, ArgumentTypeError, "`ckpt_file_name` must be a str, but got 3"),
        ({"net": 3}, ArgumentTypeError, "`net` must be a Cell, but got 3 of type int"),
        ({"strict_load": 3}, ArgumentTypeError, "`strict_load` must be bool, but got 3"),
        ({"format": "foo"}, ArgumentError, "`format` must be one of"),
        ({"dec_key": b"0" * 16}, ArgumentError, "sporax does not decrypt"),
        ({"remove_redundancy": True}, ArgumentError, "`remove_redundancy` must be False, but got True"),
        (
            {"filter_prefix": 3},
            ArgumentTypeError,
            "`filter_prefix` must be a non-empty str or a list of them, but got 3",
        ),
        (
            {"specify_prefix": [""]},
            ArgumentTypeError,
            "`specify_prefix` must be a non-empty str or a list of them",
        ),
        ({"choice_func": 3}, ArgumentTypeError, "`choice_func` must be a function"),
    ],
)
def test_invalid_load(tmp_path, arguments, error, message):
    path = str(tmp_path / "a.ckpt")
    save_checkpoint(Net(), path)
    with pytest.raises(error, match=f"load_checkpoint: .*{message}"):
        load_checkpoint(**({"ckpt_file_name": path} | arguments))


def test_files_that_cannot_be_read(tmp_path):
    path = tmp_path / "a.ckpt"
    with pytest.raises(CheckpointError, match="there is no such file"):
        load_checkpoint(path)
    save_checkpoint(Net(), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=r"a\.ckpt'"):
        load_checkpoint(path)
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(CheckpointError, match="zip archive"):
        load_checkpoint(path)


# --- load_param_into_net ------------------------------------------------------------------------------------


def test_load_with_a_net(tmp_path):
    path, net = str(tmp_path / "a.ckpt"), zeroed(Net())
    save_checkpoint(Net(), path)
    load_checkpoint(path, net=net)
    assert values(net) == ORIGINAL


def test_additional_parameters_in_the_checkpoint():
    given = dict(Net().parameters_dict()) | {"zz": Parameter(Tensor(1.0), name="zz"), "note": "text"}
    net = zeroed(Net())
    assert load_param_into_net(net, given) == ([], ["zz"])
    assert values(net) == ORIGINAL


def test_missing_parameters_in_the_checkpoint():
    given = dict(Net().parameters_dict())
    del given["fc.bias"]
    net = zeroed(Net())
    with pytest.warns(SporaxWarning, match=r"1 of 2 Parameters are not in the checkpoint and keep .*: fc\.bias\."):
        assert load_param_into_net(net, given) == (["fc.bias"], [])
    assert values(net) == {"fc.weight": [[1.5, -2.5]], "fc.bias": [0.0]}


def test_no_matching_name():
    net = zeroed(Net())
    with pytest.warns(SporaxWarning, match=r"2 of 2 .*: fc\.weight, fc\.bias\. The checkpoint has: q\.$"):
        result = load_param_into_net(net, {"q": Parameter(Tensor(1.0))}, strict_load=False)
    assert result == (["fc.weight", "fc.bias"], ["q"])
    with pytest.warns(SporaxWarning, match="The checkpoint has: nothing"):
        assert load_param_into_net(net, {}, False) == (["fc.weight", "fc.bias"], [])
    assert values(net) == NOTHING


def test_an_additional_prefix_in_the_checkpoint():
    net = zeroed(Net())
    with pytest.warns(SporaxWarning, match=r"begin with 'net\.', unlike those of the network"):
        assert load_param_into_net(net, dict(Wrapped().parameters_dict())) == ([], [])
    assert values(net) == ORIGINAL
    net = zeroed(Net())
    with pytest.raises(
        CheckpointError, match=r"those of the checkpoint begin with 'net\.', which those of the network"
    ):
        load_param_into_net(net, dict(Wrapped().parameters_dict()), strict_load=True)
    assert values(net) == NOTHING


def test_a_missing_prefix_in_the_checkpoint():
    net = Wrapped()
    with pytest.warns(SporaxWarning, match=r"They are in the checkpoint without 'net\.': load into that part"):
        missing, unused = load_param_into_net(net, dict(Net().parameters_dict()), strict_load=False)
    assert (missing, unused) == (["net.fc.weight", "net.fc.bias"], ["fc.weight", "fc.bias"])


class TestLessThanHalf:
    """If most names belong to another network, loading raises, unless `strict_load=False` is given."""

    @staticmethod
    def net(count=5, form="{}"):
        cell = Cell()
        for at in range(count):
            cell.insert_param_to_cell(f"p{at}", Parameter(Tensor([float(at)]), name=form.format(f"p{at}")))
        return cell

    def given(self, count, form="{}"):
        return {form.format(f"p{at}"): Parameter(Tensor([9.0])) for at in range(count)}

    @pytest.mark.parametrize("strict", [(), (True,)])
    @pytest.mark.parametrize("matching", [0, 2])
    def test_an_error_and_nothing_is_loaded(self, matching, strict):
        net = self.net()
        given = self.given(matching) | {"q": Parameter(Tensor([1.0]))}
        message = rf"only {matching} of 5 Parameters of the network are in the checkpoint, and nothing was loaded"
        with pytest.raises(CheckpointError, match=message) as caught:
            load_param_into_net(net, given, *strict)
        assert "not in the checkpoint: p" in str(caught.value)
        assert "not in the network: q" in str(caught.value)
        assert str(caught.value).endswith("use strict_load=False.")
        assert [parameter.item() for parameter in net.get_parameters()] == [0.0, 1.0, 2.0, 3.0, 4.0]

    def test_half_is_a_warning(self):
        net = self.net(4)
        with pytest.warns(SporaxWarning, match="2 of 4 Parameters are not in the checkpoint"):
            load_param_into_net(net, self.given(2))
        assert [parameter.item() for parameter in net.get_parameters()] == [9.0, 9.0, 2.0, 3.0]

    def test_strict_load_false_allows_it(self):
        net = self.net()
        with pytest.warns(SporaxWarning, match="4 of 5 Parameters are not in the checkpoint"):
            assert load_param_into_net(net, self.given(1), strict_load=False)[1] == []
        assert next(net.get_parameters()).item() == 9.0

    def test_a_network_without_parameters_accepts_any_checkpoint(self):
        assert load_param_into_net(Cell(), self.given(1)) == ([], ["p0"])

    @pytest.mark.parametrize(
        ("here", "there", "message"),
        [
            ("net.{}", "{}", r"begin with 'net\.', which those of the checkpoint do not.*\{'net\.' \+ name: value"),
            ("{}", "a.b.{}", r"begin with 'a\.b\.', which those of the network do not.*name\.removeprefix\('a\.b\.'\)"),
            ("l.{}", "m.{}", r"begin with 'l\.' where .* begin with 'm\.'.*'l\.' \+ name\.removeprefix\('m\.'\)"),
        ],
    )
    def test_another_prefix_is_named(self, here, there, message):
        # The checkpoint lacks one Parameter, so the prefix is not simply missing.
        with pytest.raises(CheckpointError, match=message):
            load_param_into_net(self.net(5, here), self.given(4, there))

    def test_pytorchs_names_are_recognized(self):
        names = ("bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
        given = {name: Parameter(Tensor([1.0])) for name in names}
        with pytest.raises(CheckpointError, match=r"PyTorch's names.*moving_mean, moving_variance, gamma and beta"):
            load_param_into_net(self.net(), given)

    def test_load_checkpoint_with_a_network(self, tmp_path):
        path = str(tmp_path / "a.ckpt")
        save_checkpoint(self.net(1), path)
        net = self.net()
        with pytest.raises(CheckpointError, match="only 1 of 5"):
            load_checkpoint(path, net)
        with pytest.warns(SporaxWarning, match="4 of 5"):
            load_checkpoint(path, net, strict_load=False)

    def test_the_default_prints_as_in_mindspore(self):
        assert str(inspect.signature(load_param_into_net)).startswith(
            "(net: 'Cell', parameter_dict: 'dict[str, Any]', "
        )
        assert "strict_load: 'bool' = False, " in str(inspect.signature(load_param_into_net))
        assert not inspect.signature(load_checkpoint).parameters["strict_load"].default


def test_all_mismatched_shapes_are_listed_and_nothing_is_loaded():
    net = zeroed(Net())
    given = dict(Net(rows=3).parameters_dict())
    expected = (
        r"load_param_into_net: 2 Parameter\(s\) do not match, and nothing was loaded: "
        r"'fc\.weight' has shape \(1, 2\) in the network, but \(3, 2\) in the checkpoint; "
        r"'fc\.bias' has shape \(1,\) in the network, but \(3,\) in"
    )
    with pytest.raises(CheckpointError, match=expected) as caught:
        load_param_into_net(net, given)
    assert isinstance(caught.value, RuntimeError), "MindSpore raises a RuntimeError here"
    given["fc.weight"] = Net().fc.weight
    with pytest.raises(CheckpointError, match=r"1 Parameter\(s\) do not match"):
        load_param_into_net(net, given)
    assert values(net) == NOTHING


def test_a_long_list_is_truncated():
    net = Cell()
    for i in range(30):
        setattr(net, f"p{i}", Parameter(Tensor([1.0]), name=f"p{i}"))
    given = {f"p{i}": Parameter(Tensor([1.0, 2.0])) for i in range(30)}
    with pytest.raises(CheckpointError, match=r"30 Parameter\(s\) .*'p19' has .*; and 10 more\."):
        load_param_into_net(net, given)
    with pytest.warns(SporaxWarning, match="p19 and 10 more"):
        load_param_into_net(net, {}, strict_load=False)


@pytest.mark.parametrize(
    ("source", "target", "value", "fits"),
    [
        (np.float16, np.float32, 1.5, True),
        (np.float64, np.float32, 1.5, True),
        (np.float32, jnp.bfloat16, 1.5, True),
        (jnp.bfloat16, np.float32, 1.5, True),
        (np.int64, np.int32, 7, True),
        (np.int32, np.int64, 7, True),
        (np.uint8, np.int32, 200, True),
        (np.int64, np.int8, 300, False),
        (np.int32, np.uint8, -1, False),
        (np.int32, np.float32, 1, False),
        (np.float32, np.int32, 1, False),
        (np.bool_, np.int32, 1, False),
        (np.float32, np.bool_, 1, False),
    ],
)
def test_dtypes(source, target, value, fits):
    net = One([0], target)
    given = {"w": Parameter(np.array([value]).astype(source))}
    if fits:
        assert load_param_into_net(net, given) == ([], [])
        assert net.w.asnumpy().astype(np.float64).tolist() == [value]
        assert net.w.dtype == One([0], target).w.dtype
    else:
        with pytest.raises(CheckpointError, match=r"'w' is .* in the network, (but|too narrow)"):
            load_param_into_net(net, given)
        assert net.w.asnumpy().tolist() == [0]
    if source is not target:
        with pytest.raises(CheckpointError, match=f"in the network, but {np.dtype(source).name} in the checkpoint"):
            load_param_into_net(net, given, strict_load=True)


def test_a_scalar_and_a_single_element_are_compatible():
    for here, there in (([1.0], 2.0), (1.0, [2.0])):
        net = One(here, np.float32)
        assert load_param_into_net(net, {"w": Parameter(Tensor(there))}) == ([], [])
        assert net.w.asnumpy().reshape(()) == 2.0
        assert net.w.shape == np.shape(here)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"net": 3}, "`net` must be a Cell, but got 3 of type int"),
        ({"parameter_dict": 3}, "`parameter_dict` must be a dict, but got 3 of type int"),
        (
            {"parameter_dict": {"fc.bias": 3}},
            "must map names to Parameters or Tensors, but got 'fc.bias' .* type int",
        ),
        ({"parameter_dict": {1: Tensor(1.0)}}, "but got 1 of type int"),
        ({"strict_load": 1}, "`strict_load` must be bool, but got 1"),
    ],
)
def test_invalid_load_into_net(arguments, message):
    with pytest.raises(ArgumentTypeError, match=f"load_param_into_net: .*{message}"):
        load_param_into_net(**({"net": Net(), "parameter_dict": {}} | arguments))


def test_the_net_shares_no_memory_with_the_checkpoint():
    given = dict(Net().parameters_dict())
    net = zeroed(Net())
    load_param_into_net(net, given)
    given["fc.bias"].set_data(Tensor([9.0]))
    assert net.fc.bias.asnumpy().tolist() == [0.25]


# --- the state of a run -------------------------------------------------------------------------------------


def test_training_state(tmp_path):
    path = str(tmp_path / "run.ckpt")
    set_seed(5)
    next_key()
    save_training_state(path, Net(), None, Wrapped(), epoch=3, step=30)
    expected = [str(next_key()) for _ in range(2)]
    set_seed(6)
    net, wrapped = zeroed(Net()), zeroed(Wrapped())
    assert load_training_state(path, net, "no Cell", wrapped)[:3] == (3, 30, None)
    assert values(net) == ORIGINAL
    assert values(wrapped) == values(Wrapped())
    assert [str(next_key()) for _ in range(2)] == expected


def test_training_state_with_two_parameters_of_one_name(tmp_path):
    path = str(tmp_path / "run.ckpt")
    first, second = One([1.0], np.float32), One([2.0], np.float32)
    save_training_state(path, first, second, first, epoch=1, step=2)
    assert {"w", "w#2"} <= set(formats.read(path))
    zeroed(first), zeroed(second)
    load_training_state(path, first, second)
    assert (first.w.item(), second.w.item()) == (1.0, 2.0)


def test_training_state_of_another_network(tmp_path):
    path, net = str(tmp_path / "run.ckpt"), zeroed(Net())
    save_training_state(path, Net(), epoch=1, step=2)
    with pytest.raises(
        CheckpointError, match=r"another network .* Not in the file: w; only in the file: fc\.weight, fc"
    ):
        load_training_state(path, One([1.0], np.float32))
    with pytest.raises(CheckpointError, match=r"'fc\.weight' has shape \(3, 2\) in the network, but \(1, 2\)"):
        load_training_state(path, Net(rows=3))
    save_checkpoint(Net(), path)
    with pytest.raises(CheckpointError, match=r"does not contain the state of a run\. Use load_checkpoint"):
        load_training_state(path, net)
    assert values(net) == NOTHING


def test_the_comparison_of_values_can_fail():
    assert values(zeroed(Net())) != ORIGINAL
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_param_into_net(Net(), dict(Net().parameters_dict())) == ([], [])
