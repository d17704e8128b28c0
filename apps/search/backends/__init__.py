"""Search engines behind one protocol: see `base.SearchBackend`."""
