"""The engine on libvips."""
