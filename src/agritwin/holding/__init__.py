"""What a holding sends: files read without guessing, doubtful lines kept apart with a reason, one time axis."""
