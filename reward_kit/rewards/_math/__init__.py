"""The layers of `math_reward`: extraction, reading, exact and structural equality, symbolic identity in a worker."""
