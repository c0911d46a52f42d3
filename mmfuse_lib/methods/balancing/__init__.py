"""Methods that change *how* modalities are trained together: one paper a file."""
