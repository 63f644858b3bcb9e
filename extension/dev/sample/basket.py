"""A shopping basket: products with a price in cents, counted and added up."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Product:
    name: str
    cents: int


@dataclass
class Basket:
    lines: dict[Product, int] = field(default_factory=dict)

    def add(self, product: Product, count: int = 1) -> None:
        self.lines[product] = self.lines.get(product, 0) + count

    def remove(self, product: Product) -> None:
        del self.lines[product]

    def total(self) -> int:
        return sum(product.cents for product in self.lines)


def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d} EUR"
