"""Containers of Cells: SequentialCell, CellList, CellDict."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any, NoReturn, TypeVar, overload

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, CellError
from sporax.core import Cell, note_guard, tracing

__all__ = ["CellDict", "CellList", "SequentialCell"]

Self = TypeVar("Self", bound="_Ordered")


def _checked_cell(cell: Any, where: str) -> Cell:
    if isinstance(cell, Cell):
        return cell
    if isinstance(cell, type) and issubclass(cell, Cell):
        raise ArgumentTypeError(
            f"{where}: every element must be a Cell, but got the class {cell.__name__}; pass an instance."
        )
    raise ArgumentTypeError(f"{where}: every element must be a Cell, but got {cell!r} of type {type(cell).__name__}.")


def _guard(container: Cell) -> None:
    """Record that a trace depends on the Cells in the container, which is not called itself."""
    if tracing():
        note_guard(container, "_revision", container._revision)


def _prefix_of(cells: Mapping[str, Cell | None]) -> tuple[str, int]:
    """Return the common prefix of the names of a container's Parameters, and its number of components.

    MindSpore infers it from the names, and so not while the container is empty: the Parameter of a Cell that is
    appended to an empty list is named `0.weight`, even if the list is already an attribute. The names in checkpoints
    depend on it. The key of the first Cell is searched in the name of its first Parameter; if it occurs more than once,
    the name of the second Cell's first Parameter decides.
    """
    names: list[tuple[str, list[str]]] = []
    for key, cell in cells.items():
        first = None if cell is None else next(iter(cell.get_parameters()), None)
        if first is not None:
            names.append((key, first.name.split(".")))
    if not names:
        return "", 0
    key, parts = names[0]
    positions = [at for at, part in enumerate(parts) if part == key]
    if not positions:
        return "", 0
    depth = positions[-1]
    if len(names) > 1:
        other_key, other = names[1]
        depth = next((at for at in positions if other[at : at + 1] == [other_key]), depth)
    return "".join(f"{part}." for part in parts[:depth]), depth


class _Ordered(Cell):
    """Base class of sequences of Cells. A Cell is named by its position unless it was added with a name."""

    def _ordered(self) -> list[tuple[str, Cell]]:
        _guard(self)
        return [(name, cell) for name, cell in self._cells.items() if cell is not None]

    def _reset(self, cells: Iterable[tuple[str, Cell]]) -> None:
        """Replace all Cells by `cells`, under these names. `_renumbered` sets the names of the Parameters."""
        for name in self._cells:
            self.__dict__.pop(name, None)
        self._cells.clear()
        self._note_change()
        for name, cell in cells:
            self._register_cell(name, cell)
        self._note_change()

    def _renumbered(self, entries: Sequence[tuple[str | None, Cell]], origin: Mapping[str, Cell | None]) -> None:
        """Replace all Cells by those of `entries`; a Cell without a given name is named by its position.

        Args:
            entries: (name, Cell) pairs; the name is None for a new Cell.
            origin: the Cells from whose Parameters the prefix of the names is inferred.
        """
        prefix, depth = _prefix_of(origin)
        taken = {name for name, _ in entries if name is not None and not name.isdigit()}
        named = []
        for position, (former, cell) in enumerate(entries):
            name = former
            if name is None or name.isdigit():
                name = str(position)
                while name in taken:
                    name += "_"
            if self._auto_prefix:
                if former is None:
                    cell.update_parameters_name(f"{prefix}{name}.")
                elif former != name:
                    for parameter in cell.get_parameters():
                        rest = parameter.name.split(".")[depth + 1 :]
                        parameter.name = prefix + ".".join([name, *rest])
            named.append((name, cell))
        self._reset(named)

    def _position(self, index: Any, *, end: bool = False) -> int:
        """Return `index` as a position ≥ 0; with `end`, the position after the last Cell is allowed."""
        where = type(self).__name__
        if not hasattr(index, "__index__"):
            raise ArgumentTypeError(
                f"{where}: the index must be an int, but got {index!r} of type {type(index).__name__}."
            )
        index, count = index.__index__(), len(self)
        if not -count <= index < count + end:
            last = count if end else count - 1
            raise IndexError(f"{where}: index {index} is out of range [{-count}, {last}]; it holds {count} Cells.")
        return index % count if index < 0 else index

    def __len__(self) -> int:
        return len(self._ordered())

    def __iter__(self) -> Iterator[Cell]:
        return iter([cell for _, cell in self._ordered()])

    def __setitem__(self, index: int, cell: Cell) -> None:
        name = self._ordered()[self._position(index)][0]
        prefix, _ = _prefix_of(self._cells)
        self._register_cell(name, _checked_cell(cell, type(self).__name__))
        if self._auto_prefix:
            cell.update_parameters_name(f"{prefix}{name}.")

    def __delitem__(self, index: int | slice) -> None:
        entries = self._ordered()
        del entries[index if isinstance(index, slice) else self._position(index)]
        self._renumbered(entries, dict(entries))

    def append(self, cell: Cell) -> None:
        """Add `cell` at the end."""
        self._renumbered([*self._ordered(), (None, _checked_cell(cell, type(self).__name__))], self._cells)

    def insert(self, index: int, cell: Cell) -> None:
        """Insert `cell` before position `index`; the following Cells and their Parameters are renamed."""
        entries: list[tuple[str | None, Cell]] = [*self._ordered()]
        entries.insert(self._position(index, end=True), (None, _checked_cell(cell, type(self).__name__)))
        self._renumbered(entries, self._cells)

    def extend(self: Self, cells: Iterable[Cell]) -> Self:
        """Add all of `cells` at the end."""
        if isinstance(cells, Cell) and not isinstance(cells, _Ordered):
            raise ArgumentTypeError(
                f"{type(self).__name__}: `cells` must be a list of Cells, but got the Cell {cells.cls_name}. "
                "Use append for a single one."
            )
        where = type(self).__name__
        added = [(None, _checked_cell(cell, where)) for cell in cells]
        self._renumbered([*self._ordered(), *added], self._cells)
        return self

    def __iadd__(self: Self, cells: Iterable[Cell]) -> Self:
        return self.extend(cells)

    def set_grad(self: Self, requires_grad: bool = True) -> Self:
        """Call `set_grad` on this Cell and on the Cells that it contains."""
        super().set_grad(requires_grad)
        for cell in self:
            cell.set_grad(requires_grad)
        return self


class SequentialCell(_Ordered):
    r"""A sequence of Cells, each of which is called with the output of the previous one.

    Args:
        args: the Cells, or one list of Cells, or one OrderedDict of names and Cells.

    Inputs:
        - **input_data** (Any) - the input of the first Cell.

    Returns:
        The output of the last Cell; the input if there are no Cells.

    Raises:
        ArgumentTypeError: an element is not a Cell.
        IndexError: an index is out of range.

    Examples:
        >>> from sporax import nn, Tensor
        >>> net = nn.SequentialCell(nn.Dense(2, 3), nn.ReLU())
        >>> net.append(nn.Dense(3, 1))
        >>> net
        SequentialCell(
          (0): Dense(input_channels=2, output_channels=3, has_bias=True)
          (1): ReLU()
          (2): Dense(input_channels=3, output_channels=1, has_bias=True)
        )
        >>> net(Tensor([[1.0, 2.0]])).shape
        (1, 1)

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for key, cell in args[0].items():
                setattr(self, _key(key, self), _checked_cell(cell, "SequentialCell"))
            return
        cells = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple, CellList)) else args
        self._renumbered([(None, _checked_cell(cell, "SequentialCell")) for cell in cells], {})

    @overload
    def __getitem__(self, index: int) -> Cell: ...
    @overload
    def __getitem__(self, index: slice) -> SequentialCell: ...
    def __getitem__(self, index: int | slice) -> Any:
        if not isinstance(index, slice):
            return self._ordered()[self._position(index)][1]
        part = SequentialCell()
        # The Cells keep their names: a slice must not rename their Parameters.
        part._cells.update(self._ordered()[index])
        part.__dict__.update(part._cells)
        return part

    @property
    def cell_list(self) -> tuple[Cell, ...]:
        """The Cells, in order."""
        return tuple(self)

    def construct(self, input_data: Any) -> Any:
        for cell in self._cells.values():
            if cell is not None:
                input_data = cell(input_data)
        return input_data


class CellList(_Ordered):
    r"""A list of Cells, which `construct` of the enclosing Cell calls.

    Args:
        args: one list of Cells; without arguments the list is empty.
        kwargs: `auto_prefix`, as in `Cell`.

    Raises:
        ArgumentTypeError: an element is not a Cell.
        CellError: the list was called.
        IndexError: an index is out of range.

    Examples:
        >>> from sporax import nn
        >>> cells = nn.CellList([nn.Dense(2, 2)])
        >>> cells.insert(0, nn.Flatten())
        >>> cells
        CellList(
          (0): Flatten()
          (1): Dense(input_channels=2, output_channels=2, has_bias=True)
        )

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        auto_prefix = kwargs.pop("auto_prefix", True)
        if kwargs:
            raise ArgumentTypeError(f"CellList: unknown argument(s) {', '.join(map(repr, kwargs))}.")
        if len(args) > 1:
            raise ArgumentTypeError(
                f"CellList: takes one list of Cells, but got {len(args)} arguments. Pass a list: CellList([...])."
            )
        super().__init__(auto_prefix=auto_prefix)
        if args:
            self.extend(args[0])

    @overload
    def __getitem__(self, index: int) -> Cell: ...
    @overload
    def __getitem__(self, index: slice) -> CellList: ...
    def __getitem__(self, index: int | slice) -> Any:
        if not isinstance(index, slice):
            return self._ordered()[self._position(index)][1]
        part = CellList()
        # Not by __setattr__: a slice is numbered from 0, but must not rename the Parameters that it shares.
        part._cells.update((str(position), cell) for position, cell in enumerate(list(self)[index]))
        part.__dict__.update(part._cells)
        return part

    def construct(self, *inputs: Any) -> NoReturn:
        raise CellError(
            "CellList: it only holds Cells and cannot be called. Call its Cells in your own `construct`, or use "
            "SequentialCell."
        )


def _key(key: Any, owner: Cell) -> str:
    where = type(owner).__name__
    if not isinstance(key, str):
        raise ArgumentTypeError(f"{where}: a key must be a str, but got {key!r} of type {type(key).__name__}.")
    if not key or "." in key or any(letter.isspace() for letter in key):
        raise ArgumentError(
            f"{where}: a key is part of the names of Parameters, so it must be non-empty, without dots and spaces, but "
            f"got {key!r}."
        )
    if key not in owner._cells and hasattr(owner, key):
        raise ArgumentError(f"{where}: the key {key!r} is the name of an attribute of {where}; use another key.")
    return key


class CellDict(Cell):
    r"""A dict of Cells, which `construct` of the enclosing Cell calls.

    Args:
        args: one mapping of names and Cells, or a list of pairs; without arguments the dict is empty.
        kwargs: `auto_prefix`, as in `Cell`.

    Raises:
        ArgumentError: a key cannot be part of a name.
        ArgumentTypeError: a key is not a str, or an element is not a Cell.
        CellError: the dict was called.
        KeyError: there is no such key.

    Examples:
        >>> from sporax import nn
        >>> cells = nn.CellDict({"act": nn.ReLU()})
        >>> cells["fc"] = nn.Dense(2, 2)
        >>> list(cells)
        ['act', 'fc']

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        auto_prefix = kwargs.pop("auto_prefix", True)
        if kwargs or len(args) > 1:
            raise ArgumentTypeError(
                f"CellDict: takes one mapping and `auto_prefix`, but got {len(args)} argument(s) and {sorted(kwargs)}."
            )
        super().__init__(auto_prefix=auto_prefix)
        if args:
            self.update(args[0])

    def _entries(self) -> OrderedDict[str, Cell]:
        _guard(self)
        return OrderedDict((name, cell) for name, cell in self._cells.items() if cell is not None)

    def __getitem__(self, key: str) -> Cell:
        entries = self._entries()
        if key not in entries:
            raise KeyError(f"CellDict: there is no key {key!r}; it has {list(entries)}.")
        return entries[key]

    def __setitem__(self, key: str, cell: Cell) -> None:
        key, cell = _key(key, self), _checked_cell(cell, "CellDict")
        if self._auto_prefix:
            prefix, _ = _prefix_of(self._entries())
            cell.update_parameters_name(f"{prefix}{key}.")
        self._register_cell(key, cell)

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._entries())

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._entries()))

    def __contains__(self, key: object) -> bool:
        return key in self._entries()

    def keys(self) -> KeysView[str]:
        """The names, in order."""
        return self._entries().keys()

    def values(self) -> ValuesView[Cell]:
        """The Cells, in order."""
        return self._entries().values()

    def items(self) -> ItemsView[str, Cell]:
        """(name, Cell) pairs, in order."""
        return self._entries().items()

    def pop(self, key: str) -> Cell:
        """Remove the Cell `key` and return it."""
        cell = self[key]
        del self[key]
        return cell

    def clear(self) -> None:
        """Remove all Cells."""
        for key in list(self):
            del self[key]

    def update(self, cells: Mapping[str, Cell] | CellDict | Iterable[Sequence[Any]]) -> None:
        """Add the Cells of a mapping, or of a list of (name, Cell) pairs."""
        if isinstance(cells, (Mapping, CellDict)):
            pairs: Any = cells.items()
        elif isinstance(cells, Iterable) and not isinstance(cells, (str, Cell)):
            pairs = cells
        else:
            raise _check.wrong_type(cells, "a mapping or a list of (name, Cell) pairs", name="cells", where="CellDict")
        for pair in pairs:
            if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
                raise ArgumentTypeError(f"CellDict: expected a (name, Cell) pair, but got {pair!r}.")
            self[pair[0]] = pair[1]

    def construct(self, *inputs: Any) -> NoReturn:
        raise CellError("CellDict: it only holds Cells and cannot be called. Call its Cells in your own `construct`.")
