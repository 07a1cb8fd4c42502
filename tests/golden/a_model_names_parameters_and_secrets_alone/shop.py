"""What the spec beside this file names."""

from pydantic import BaseModel


class Request(BaseModel):
    text: str


class Answer(BaseModel):
    text: str
