"""A draft that is made better round by round."""

from pydantic import BaseModel

from darner import Bail, Continue, Stop


class Request(BaseModel):
    text: str


class Draft(BaseModel):
    text: str
    done: bool = False


def begin(request: Request) -> Draft:
    return Draft(text=request.text)


def more(draft: Draft, nth: int, extra: str) -> Draft:
    return Draft(text=f"{draft.text} {extra} {nth}")


def score(draft: Draft) -> float:
    return float(len(draft.text))


def enough(draft: Draft, score: float) -> Continue[Draft] | Stop[Draft] | Bail:
    return Stop(draft) if score > 100 else Continue(draft)


def split(draft: Draft) -> list[str]:
    return draft.text.split()


def shout(text: str, *, loud: bool) -> str:
    return text.upper() if loud else text
