"""Files on this machine: names, tables, durable writing, journals."""
