"""The settings of a host, and the configuration file that changes them while it runs."""
