"""What the fake model says: what it was told to, else an echo."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from guardedbedrock.testing.script import Script
from guardedbedrock.testing.wire import Params, ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

Reply: TypeAlias = str | Callable[[Params], str]
"""A text, or what makes one of the call's parameters."""

_CHARACTERS_PER_TOKEN: Final = 4
_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


class Model:
    """Answers prompts; never twice in a way that a test could not foresee."""

    def __init__(self) -> None:
        self.script: Script[Reply] = Script()

    def answer(self, operation: str, params: Params, prompt: str) -> str:
        """
        Say the next scripted reply, else repeat the prompt.

        Raises:
            ServiceError: ``ModelErrorException`` (424) when a scripted callable raises.
        """
        reply = self.script.take(operation)
        if reply is None:
            return f"You said: {prompt}" if prompt else "You said nothing."
        return reply if isinstance(reply, str) else _called(reply, params)


def _called(reply: Callable[[Params], str], params: Params) -> str:
    try:
        return reply(params)
    except Exception as error:
        raise ServiceError(424, "ModelErrorException", f"the scripted reply raised {error!r}") from error


def tokens(texts: Sequence[str]) -> int:
    """Count tokens roughly: four characters make one."""
    return sum(-(-len(text) // _CHARACTERS_PER_TOKEN) for text in texts)


def words(text: str) -> list[str]:
    """
    Cut a text into the pieces a stream sends; joined, they are the text.

    >>> words("so it  goes ")
    ['so', ' it', '  goes ']
    """
    return _WORD.findall(text)
