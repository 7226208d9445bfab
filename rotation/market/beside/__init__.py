"""What stands beside the legs in a Snapshot: breadth of the members, and the rotation graph."""
