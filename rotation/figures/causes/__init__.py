"""Figures of what stands behind the price: yields, prices, jobs, banks, and the members of the indices."""
