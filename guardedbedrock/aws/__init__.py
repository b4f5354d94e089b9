"""
The only room that knows boto3.

`client` is the mixin that guards a client class, `gate` looks at what is about to be signed, `session` puts the mixin in by
botocore's documented ``creating-client-class`` event, `stream` and `body` are the replies, `identity` asks AWS who calls.
"""
