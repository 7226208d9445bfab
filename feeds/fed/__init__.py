"""The Fed: sources of futures, rates and prediction markets, and our own history of them."""
