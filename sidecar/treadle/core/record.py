"""Value classes that cost nothing until they are used: as `dataclass(frozen=True, slots=True)`, made in a tenth of the time.

The standard decorator writes and compiles six methods for each class when its module is loaded. Three hundred classes made that
the largest part of a start. Here the methods are shared, and a class gets its own `__init__` when its first instance is made.
What stands in `dataclasses` for all to use (`replace`, `asdict`, `fields`) works. It must not differ in what an instance does
from the standard one: tests/core/test_record.py makes every record of the sidecar both ways and compares.

Not for classes with `order`, `kw_only`, `InitVar`, or a `super()` without arguments, nor as the base of a standard dataclass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
_FIELDS = "__dataclass_fields__"
_OWN = "__record_fields__"
"Name, default and options of each field, the inherited ones first."


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[T], /) -> type[T]:
    """A value: no attribute can be set, compared field by field, with a hash."""
    return _made(cls, True, True)


@dataclass_transform(field_specifiers=(dataclasses.field,))
def mutable(cls: type[T], /) -> type[T]:
    """What changes: compared field by field, without a hash."""
    return _made(cls, False, True)


@dataclass_transform(eq_default=False, field_specifiers=(dataclasses.field,))
def unique(cls: type[T], /) -> type[T]:
    """What changes and is equal to itself alone."""
    return _made(cls, False, False)


def _made(cls: Any, frozen: bool, eq: bool) -> Any:
    fields: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        if _OWN in base.__dict__:
            fields.update(base.__dict__[_OWN])
            if (base.__setattr__ is _no_set) != frozen:
                raise TypeError("what can change and what cannot do not inherit from each other")
    names: dict[str, Any] = {}
    names.update(cls.__dict__)
    hints: dict[str, Any] = cls.__annotations__
    own = [name for name, hint in hints.items() if not str(hint).startswith(("ClassVar", "typing.ClassVar"))]
    for name in own:
        given = fields[name] = names.pop(name, MISSING)
        if type(given).__hash__ is None:
            raise ValueError(f"mutable default {type(given)} for field {name} is not allowed: use default_factory")
    for name in ("__dict__", "__weakref__"):
        names.pop(name, None)
    taken = _slots_of_bases(cls)
    names["__slots__"] = tuple(own) if not taken else tuple(name for name in own if name not in taken)
    names["__match_args__"] = tuple(name for name, given in fields.items() if type(given) is not Field or given.init)
    names[_OWN] = fields
    names[_FIELDS] = _LateFields(hints)
    names["__getstate__"], names["__setstate__"], names["__replace__"] = _getstate, _setstate, _replaced
    names.setdefault("__repr__", _repr)
    late = _stand_ins()
    names.setdefault("__init__", late["__init__"])
    if eq:
        # Python writes None for the hash of a class that says how it is compared
        if names.get("__hash__") is None:
            names["__hash__"] = late["__hash__"] if frozen else None
        names.setdefault("__eq__", late["__eq__"])
    if frozen:
        names["__setattr__"], names["__delattr__"] = _no_set, _no_delete
    names["__doc__"] = cls.__doc__ or cls.__name__
    made: Any = type(cls)(cls.__name__, cls.__bases__, names)
    made.__qualname__ = cls.__qualname__
    late["class"] = made
    return made


def _stand_ins() -> dict[str, Any]:
    """Methods that are made when they are first called, each in place of its own and of no other: what a subclass has written
    itself may call it. The class is added when it is there."""

    def __init__(self: Any, *args: Any, **options: Any) -> None:
        cls = late["class"]
        if late.pop("unused", False) and _filled(cls, self, args, options):
            return
        made = cls.__init__ = _init_of(cls)
        made(self, *args, **options)

    def __eq__(self: Any, other: Any) -> Any:
        cls = late["class"]
        made = cls.__eq__ = _eq_of(cls)
        return made(self, other)

    def __hash__(self: Any) -> int:
        cls = late["class"]
        made = cls.__hash__ = _hash_of(cls)
        return made(self)

    late: dict[str, Any] = {"__init__": __init__, "__eq__": __eq__, "__hash__": __hash__, "unused": True}
    return late


def _slots_of_bases(cls: Any) -> set[str]:
    return {name for base in cls.__mro__[1:-1] for name in base.__dict__.get("__slots__", ())}


def _owner(cls: Any) -> Any:
    """The record that an instance's class is, or comes from."""
    return next(base for base in cls.__mro__ if _OWN in base.__dict__)


def names(value: Any) -> tuple[str, ...] | None:
    """The names of a record's fields; None for what is no record."""
    fields: dict[str, Any] | None = getattr(value, _OWN, None)
    return None if fields is None else tuple(fields)


def _declared(owner: Any) -> list[tuple[str, Any]]:
    fields: dict[str, Any] = owner.__dict__[_OWN]
    return list(fields.items())


def _filled(cls: Any, made: Any, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Make the first instance, for most records the only one, which takes less than compiling. False, and nothing is done, when
    the arguments do not fit: a function of its own says best why."""
    values: list[tuple[str, Any]] = []
    defaults: list[tuple[str, Any]] = []
    named = 0
    left = list(reversed(args))
    for name, given in _declared(cls):
        init = not _is_field(given) or given.init
        if init and left:
            if name in options:
                return False
            values.append((name, left.pop()))
        elif init and name in options:
            values.append((name, options[name]))
            named += 1
        elif not _is_field(given) or given.default_factory is MISSING:
            default = given.default if _is_field(given) else given
            if default is not MISSING:
                values.append((name, default))
            elif init:
                return False
        else:
            defaults.append((name, given.default_factory))
    if left or named < len(options):
        return False
    for name, value in (*values, *((name, new()) for name, new in defaults)):
        getattr(cls, name).__set__(made, value)
    if hasattr(cls, "__post_init__"):
        made.__post_init__()
    return True


def _init_of(cls: Any) -> Callable[..., None]:
    """As a person would write it, with each slot set by its own descriptor, which no frozen `__setattr__` stops."""
    known: dict[str, Any] = {"_missing": MISSING}
    params, lines = ["self"], list[str]()
    for name, given in _declared(cls):
        default, factory, init = given, MISSING, True
        if _is_field(given):
            default, factory, init = given.default, given.default_factory, given.init
        value = name
        if factory is not MISSING:
            known[f"_new_{name}"] = factory
            value = f"_new_{name}() if {name} is _missing else {name}" if init else f"_new_{name}()"
            default = MISSING if not init else known["_missing"]
        elif default is not MISSING:
            known[f"_default_{name}"] = default
            value = name if init else f"_default_{name}"
        elif not init:
            continue
        if init:
            late = "_missing" if factory is not MISSING else f"_default_{name}"
            optional = factory is not MISSING or default is not MISSING
            params.append(f"{name}={late}" if optional else name)
        known[f"_set_{name}"] = getattr(cls, name).__set__
        lines.append(f"_set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(params)}):\n " + "\n ".join(lines or ["pass"]), known)
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


class _LateFields:
    """`__dataclass_fields__`, made by the standard library when somebody asks for it."""

    def __init__(self, hints: dict[str, Any]) -> None:
        self._hints = hints

    def __get__(self, instance: Any, cls: Any) -> dict[str, Field[Any]]:
        owner = _owner(cls)
        given: dict[str, Any] = owner.__dict__[_OWN]
        hints = {name: self._hints.get(name, Any) for name in given}
        defaults = {name: value for name, value in given.items() if value is not MISSING}
        # without a text of its own the standard library would write one, and first compile what reads signatures
        body = {"__annotations__": hints, "__module__": owner.__module__, "__doc__": owner.__doc__}
        model = type(owner.__name__, (), {**body, **defaults})
        fields: dict[str, Field[Any]] = getattr(dataclasses.dataclass(init=False, repr=False, eq=False)(model), _FIELDS)
        setattr(owner, _FIELDS, fields)
        return fields


def _is_field(given: Any) -> bool:
    """Declared by `field(...)`, not by a plain default or none."""
    return isinstance(given, Field)


def _compared(cls: Any) -> Callable[[Any], Any]:
    names = [n for n, given in _declared(cls) if not _is_field(given) or given.compare]
    return attrgetter(*names) if names else _nothing


def _nothing(self: Any) -> tuple[()]:
    return ()


def _eq_of(cls: Any) -> Callable[[Any, Any], Any]:
    values = _compared(cls)

    def __eq__(self: Any, other: Any) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash_of(cls: Any) -> Callable[[Any], int]:
    values = _compared(cls)

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


@recursive_repr()
def _repr(self: Any) -> str:
    shown = [n for n, given in _declared(_owner(self.__class__)) if not _is_field(given) or given.repr]
    return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _no_set(self: Any, name: str, value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _replaced(self: Any, /, **changes: Any) -> Any:
    """As `copy.replace` of later Pythons wants it."""
    return dataclasses.replace(self, **changes)


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, name) for name in _owner(self.__class__).__dict__[_OWN]]


def _setstate(self: Any, state: list[Any]) -> None:
    for name, value in zip(_owner(self.__class__).__dict__[_OWN], state, strict=True):
        object.__setattr__(self, name, value)
