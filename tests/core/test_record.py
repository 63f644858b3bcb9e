"""Every record of the sidecar, made by our decorators and by the standard one, does the same."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import pytest

import treadle
from treadle.core.record import frozen, mutable, unique

T = TypeVar("T")
_SPECIAL = ("__init__", "__eq__", "__hash__", "__repr__")


def _records() -> list[type[Any]]:
    found: dict[str, type[Any]] = {}
    for module in pkgutil.walk_packages(treadle.__path__, "treadle."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and "__record_fields__" in value.__dict__:
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return [found[name] for name in sorted(found)]


RECORDS = _records()


def _given(cls: type[Any]) -> dict[str, Any]:
    return cls.__dict__["__record_fields__"]


def _twin(cls: type[Any]) -> type[Any]:
    """The same fields under the standard decorator."""
    names = {name: copy.copy(value) for name, value in _given(cls).items() if value is not MISSING}
    hints = dict.fromkeys(_given(cls), "object")
    own = {name: vars(cls)[name] for name in _SPECIAL if _written(cls, vars(cls).get(name))}
    bare = type(cls.__name__, (), {"__annotations__": hints, "__qualname__": cls.__qualname__, **own, **names})
    return dataclass(frozen=_frozen(cls), eq=cls.__eq__ is not object.__eq__, slots=True)(bare)


def _written(cls: type[Any], function: Any) -> bool:
    return inspect.isfunction(function) and function.__code__.co_filename == inspect.getsourcefile(cls)


def _frozen(cls: type[Any]) -> bool:
    return cls.__setattr__ is not object.__setattr__


def _values(cls: type[Any]) -> dict[str, Any]:
    return {name: f"a {name}" for name, value in _given(cls).items() if not isinstance(value, Field) or value.init}


def test_there_are_records_in_every_room() -> None:
    assert len(RECORDS) > 300
    assert {"core", "runtime", "adapters", "tools", "server"} <= {cls.__module__.split(".")[1] for cls in RECORDS}


@pytest.mark.parametrize("cls", RECORDS, ids=lambda cls: f"{cls.__module__[8:]}.{cls.__qualname__}")
def test_a_record_has_the_fields_of_a_dataclass(cls: type[Any]) -> None:
    twin = _twin(cls)
    assert cls.__match_args__ == twin.__match_args__  # type: ignore[attr-defined]
    ours, theirs = dataclasses.fields(cls), dataclasses.fields(twin)
    assert [(f.name, f.init, f.repr, f.compare) for f in ours] == [(f.name, f.init, f.repr, f.compare) for f in theirs]
    with pytest.raises(TypeError, match="not_a_field"):
        cls(not_a_field=1)
    signatures = [inspect.signature(made.__init__).parameters.values() for made in (cls, twin)]
    names = [[(p.name, p.kind, p.default is p.empty) for p in parameters] for parameters in signatures]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    "cls",
    [cls for cls in RECORDS if not hasattr(cls, "__post_init__")],
    ids=lambda cls: f"{cls.__module__[8:]}.{cls.__qualname__}",
)
def test_an_instance_behaves_as_that_of_a_dataclass(cls: type[Any]) -> None:
    twin, values = _twin(cls), _values(cls)
    one, same, other = cls(**values), cls(*values.values()), twin(**values)
    for name, value in values.items():
        assert getattr(one, name) == value
    assert (one == same) == (other == twin(**values))
    assert one != other
    if all(not isinstance(value, Field) or value.init for value in _given(cls).values()):
        assert repr(one) == repr(other)
        assert copy.deepcopy(one) == one or cls.__eq__ is object.__eq__
    for name in values:
        changed = dataclasses.replace(one, **{name: "another"})
        assert (changed == one) == (dataclasses.replace(other, **{name: "another"}) == other)
        assert getattr(changed, name) == "another"
    assert (cls.__hash__ is None) == (twin.__hash__ is None)
    if cls.__hash__ is not None and not _written(cls, cls.__hash__) and cls.__eq__ is not object.__eq__:
        assert hash(one) == hash(same)
    for name in values:
        if _frozen(cls):
            with pytest.raises(FrozenInstanceError):
                setattr(one, name, 1)
            with pytest.raises(FrozenInstanceError):
                delattr(one, name)
        else:
            setattr(one, name, 1)
            assert getattr(one, name) == 1
    with pytest.raises((AttributeError, TypeError)):
        one.not_a_field = 1


@frozen
class Point:
    x: int
    y: int = 2
    tags: tuple[str, ...] = field(default=(), compare=False, repr=False)


@frozen
class Named(Point):
    name: str = ""


@mutable
class Kept:
    items: list[int] = field(default_factory=list[int])
    late: int = field(init=False)
    made: dict[str, int] = field(init=False, default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.late = len(self.items)


@unique
class Door:
    number: int = 1


@frozen
class Box(Generic[T]):
    held: T


def test_each_instance_has_its_own_default_list_and_what_follows_init_runs() -> None:
    one, two = Kept(), Kept([1, 2])
    one.items.append(5)
    assert (Kept().items, one.made, two.late) == ([], {}, 2)
    assert one.made is not two.made


def test_a_record_inherits_the_fields_of_a_record() -> None:
    named = Named(1, 3, ("t",), "n")
    assert (named.x, named.y, named.tags, named.name) == (1, 3, ("t",), "n")
    assert repr(named) == "Named(x=1, y=3, name='n')"
    assert Named(1) != Point(1)
    assert dataclasses.asdict(named) == {"x": 1, "y": 3, "tags": ("t",), "name": "n"}
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 2, "tags": ()}


def test_what_is_not_compared_changes_neither_equality_nor_hash() -> None:
    assert Point(1, 2, ("a",)) == Point(1, 2, ("b",))
    assert hash(Point(1, 2, ("a",))) == hash(Point(1, 2, ("b",)))
    assert Point(1) != Point(2)


def test_what_is_unique_equals_only_itself() -> None:
    door = Door()
    assert door == door  # noqa: PLR0124
    assert door != Door()
    assert len({door, Door()}) == 2


def test_a_record_can_be_matched_copied_and_pickled() -> None:
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)
    point = Named(1, 5, name="n")
    assert pickle.loads(pickle.dumps(point)) == copy.copy(point) == copy.deepcopy(point) == point
    kept = Kept([1])
    assert copy.deepcopy(kept) == kept


def test_a_generic_record_keeps_its_parameter() -> None:
    assert Box[int](3).held == 3
    assert Box("a") == Box("a")


def test_a_record_that_holds_itself_can_be_shown() -> None:
    kept = Kept()
    kept.items.append(kept)  # type: ignore[arg-type]
    assert "..." in repr(kept)


def test_the_class_keeps_its_names_and_words() -> None:
    assert (Point.__name__, Point.__qualname__, Point.__module__) == ("Point", "Point", __name__)
    assert frozen.__doc__
    assert not hasattr(Point(1), "__dict__")


def test_a_method_that_a_subclass_wrote_stays_when_it_calls_that_of_its_base() -> None:
    @mutable
    class Base:
        x: int

        def __hash__(self) -> int:
            return self.x

    @mutable
    class Own(Base):
        y: int = 0

        def __init__(self, y: int) -> None:
            Base.__init__(self, 1)
            self.y = y

        def __eq__(self, other: object) -> bool:
            return Base.__eq__(self, other) is True and "mine"  # type: ignore[return-value]

        __hash__ = Base.__hash__

    for y in (5, 6):
        assert (Own(y).x, Own(y).y) == (1, y)
        assert (Own(y) == Own(7)) == "mine"


def test_what_is_unique_below_a_value_is_compared_by_the_fields_of_the_value() -> None:
    @mutable
    class Base:
        x: int

    @unique
    class Below(Base):
        y: int = 0

    for _ in range(2):
        assert Below(1, 2) == Below(1, 3)
        assert Base(1) == Base(1)
        assert Below(1, 2) == Below(1, 3)


def test_a_default_that_all_instances_would_share_is_refused() -> None:
    class Shares:
        items: list[int] = []  # noqa: RUF012

    for made in (mutable, dataclass):
        with pytest.raises(ValueError, match="mutable default"):
            made(Shares)


def test_what_can_change_and_what_cannot_do_not_inherit_from_each_other() -> None:
    class Changes(Point):
        z: int = 0

    class Stays(Kept):
        z: int = 0

    for decorator, cls in ((mutable, Changes), (unique, Changes), (frozen, Stays)):
        with pytest.raises(TypeError, match="inherit"):
            decorator(cls)


def test_no_method_of_a_record_needs_the_class_that_it_was_written_in() -> None:
    # a record is a second class: super() without arguments would look for the first one
    for cls in RECORDS:
        for name, value in vars(cls).items():
            function = getattr(value, "__func__", getattr(value, "fget", value))
            assert not inspect.isfunction(function) or "__class__" not in function.__code__.co_freevars, (cls, name)


def test_what_belongs_to_the_class_is_no_field_however_it_is_written() -> None:
    @frozen
    class Counts:
        x: int
        OF_ALL: ClassVar[int] = 3

    Whole = type("Whole", (), {"__annotations__": {"x": "int", "OF_ALL": "typing.ClassVar[int]"}, "OF_ALL": 3})
    for cls in (Counts, frozen(Whole)):
        assert (cls.__match_args__, cls.OF_ALL) == (("x",), 3)  # type: ignore[attr-defined]


def test_a_record_can_be_replaced_as_later_pythons_do() -> None:
    assert Named(1, 3).__replace__(x=2, name="n") == Named(2, 3, name="n")  # type: ignore[attr-defined]


def test_the_fields_of_a_record_are_made_without_reading_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    monkeypatch.setattr(inspect, "signature", lambda made, **_: read.append(made))

    @frozen
    class Untold:
        value: int = 1

    assert [one.name for one in dataclasses.fields(Untold)] == ["value"]
    assert dataclasses.replace(Untold(), value=2) == Untold(2)
    assert read == []


@pytest.mark.parametrize(
    ("args", "options"),
    [((1,), {}), ((1, 3), {}), ((1, 3, [5]), {}), ((), {"first": 1}), ((1,), {"third": [6]}), ((), {"second": 0, "first": 7})],
)
def test_the_first_instance_is_made_as_the_second(args: tuple[Any, ...], options: dict[str, Any]) -> None:
    @mutable
    class Fresh:
        first: int
        second: int = 2
        third: list[int] = field(default_factory=list[int])
        fourth: int = field(init=False, default=4)
        fifth: int = field(init=False)

        def __post_init__(self) -> None:
            self.fifth = self.first + self.second

    first, second = Fresh(*args, **options), Fresh(*args, **options)
    assert repr(first) == repr(second)
    assert first == second
    assert first.third is not second.third or "third" in options or len(args) > 2
    assert (first.fourth, first.fifth) == (4, first.first + first.second)


@pytest.mark.parametrize(
    ("args", "options"), [((), {}), ((1,), {"first": 1}), ((1,), {"fourth": 1}), ((1, 2, [], 4), {}), ((1,), {"x": 1})]
)
def test_a_mistake_with_the_first_instance_is_told_as_with_the_second(args: tuple[Any, ...], options: dict[str, Any]) -> None:
    said: list[str] = []

    @mutable
    class Fresh:
        first: int
        second: int = 2
        third: list[int] = field(default_factory=list[int])
        fourth: int = field(init=False, default=4)

    for _ in range(2):
        with pytest.raises(TypeError) as caught:
            Fresh(*args, **options)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert Fresh(1) == Fresh(1)
