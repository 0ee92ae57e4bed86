"""The layers of `math_reward`: extraction, reading, exact and structural equality, symbolic identity in a worker.

- The final answer in a response: visible, boxes, phrases, hedges, surroundings, corrections, finals; quick is their
  fast path.
- Its text as tokens: spelling, tokens, scan, digit_groups; the fast path for plain numbers is numerals.
- Expressions: expression, and their parser from the lowest level up: cursor, operands, commands, parser.
- Answers: answers, words, units, names, realsets, shapes; read by read_quantities, read_relations, read_collections,
  read_matrices and, above them, reading.
- Equality of answers: policy, quantities, equal_values, equal_statements, equal_collections, equality.
- Equality of expressions: exact, identity and bounds here; rationals, balls, points and symbolic in the process that
  server runs and worker asks.
- Verdicts: verdicts, layers; audit and kinds look at golds alone.
"""
