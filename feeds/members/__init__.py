"""Membership: which shares a fund held, by the files that its sponsor or a person gives."""
