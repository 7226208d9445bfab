"""What a desk knows of the members of its funds: who they are, what they cost now, how they closed."""
