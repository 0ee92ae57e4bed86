"""What a packaged evaluator's main.py calls, and is packaged with it: nothing here may import more than it must."""
