"""The operations of ``bedrock-runtime``, as the fake answers them."""

from guardedbedrock.testing.runtime.replies import Reply
from guardedbedrock.testing.runtime.service import Runtime

__all__ = ["Reply", "Runtime"]
