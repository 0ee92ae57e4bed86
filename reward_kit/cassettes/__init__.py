"""Cassettes: recorded HTTP interactions of a suite's step, replayed without a network.

    with open_cassette(path, suite="math", step="regenerate", mode=Mode.NONE) as cassette:
        transport = CassetteTransport(cassette, inner)

Import from the modules: `opening`, `transport`, `cassette`, `errors`. They load vcrpy and httpx, this package does not.
"""
