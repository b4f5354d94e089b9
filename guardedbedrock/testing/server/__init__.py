"""
The server of the fake: an HTTP server on loopback, TLS, signatures and credentials, IAM, and the steps of a request.

    loopback.py -> endpoint.py: credentials.py -> wire -> authorization.py -> runtime, control plane or agents
"""
