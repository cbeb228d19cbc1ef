"""The conv core: a network described in one line, traced without torch and built with it.

`notation` reads the line, `plan` works out every shape, `trace` counts and advises,
`network` builds the torch module; only `network` imports torch.
"""
