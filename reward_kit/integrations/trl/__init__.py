"""Training with trl.GRPOTrainer: rewards as its `reward_funcs`, rows as its dataset.

Modules, each knowing those before it:

    errors       RewardCallError
    columns      values that Arrow would change, kept as JSON text
    calls        what TRL passes in one call, checked, as samples
    grading      the calls of a reward on samples, and the numbers TRL gets
    adapters     to_trl, create_trl_adapter
    rows         rows as a dataset that TRL trains on

Nothing here imports torch, trl or datasets but `to_trl_dataset`, which imports datasets when it is called.
"""

from reward_kit.integrations.trl.adapters import create_trl_adapter, reward_weights, to_trl
from reward_kit.integrations.trl.errors import RewardCallError
from reward_kit.integrations.trl.rows import to_trl_dataset, to_trl_rows

__all__ = ["RewardCallError", "create_trl_adapter", "reward_weights", "to_trl", "to_trl_dataset", "to_trl_rows"]
