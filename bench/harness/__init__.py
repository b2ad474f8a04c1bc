"""What runs the measurements: servers pinned to one core, the generator to another, floors in the same run."""
