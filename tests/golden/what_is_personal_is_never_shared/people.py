"""A type with something personal in it."""

from pydantic import BaseModel

from darner import Personal


class Customer(BaseModel):
    email: Personal[str]
