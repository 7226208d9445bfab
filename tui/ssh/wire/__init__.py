"""Between the socket and asyncssh: what a client may send, and how a refusal is worded on the wire."""
