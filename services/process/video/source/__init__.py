"""What a film's file says of itself and holds, and whether it is all there."""
