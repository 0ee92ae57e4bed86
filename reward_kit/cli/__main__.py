"""`python -m reward_kit.cli`, the same as `reward-kit`."""

from reward_kit.cli import main

main(prog_name="reward-kit")
