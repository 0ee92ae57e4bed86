"""The Fireworks API: chat completions and evaluators over real HTTP, with typed results and typed errors."""
