"""A module that ends its process."""

import os

print("not part of any protocol")
os._exit(7)
