"""The causes behind the price: yields, inflation, jobs, and what is published next."""
