"""Model over the Responses API: HTTP and server-sent events."""
