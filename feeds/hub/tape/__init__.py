"""The tape of the day on the server: written by the hub, recorded and replayed from there."""
