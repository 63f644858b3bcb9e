"""What the basket must do. Run: python3 check_basket.py (one check fails: that is the exercise)."""

import unittest

from basket import Basket, Product, euros

APPLE, BREAD = Product("apple", 40), Product("bread", 320)


class BasketMust(unittest.TestCase):
    def test_add_up_what_is_in_it(self):
        basket = Basket()
        basket.add(APPLE)
        basket.add(BREAD)
        self.assertEqual(basket.total(), 360)

    def test_count_the_same_product_twice(self):
        basket = Basket()
        basket.add(APPLE, 3)
        self.assertEqual(basket.total(), 120)

    def test_forget_what_is_removed(self):
        basket = Basket()
        basket.add(BREAD)
        basket.remove(BREAD)
        self.assertEqual(basket.total(), 0)

    def test_print_prices_with_two_digits(self):
        self.assertEqual(euros(305), "3.05 EUR")


if __name__ == "__main__":
    unittest.main()
