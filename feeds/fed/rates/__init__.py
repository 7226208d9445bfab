"""The policy rate: New York Fed, then FRED."""
