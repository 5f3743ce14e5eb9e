"""The platform: wiring on top, infrastructure at the bottom. ARCHITECTURE.md has the map."""
