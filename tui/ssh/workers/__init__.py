"""One host in several processes: a parent that reads, admits and watches, and workers that serve viewers."""
