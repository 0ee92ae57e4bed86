"""The layers of the code rewards: which program counts, what its tests are, and what became of each test.

Each knows those before it. Expected values stay here: a job holds code and inputs only (reward_kit.sandbox).

    fences       the fenced block of a response that is graded, or why there is none
    comparison   equality of outputs and of plain values
    assertable   test code that can be compiled, can fail and uses the program
    tests        a row's tests, read strictly; what is wrong with them
    verdicts     what became of each test, and of the whole solution
    budget       how long a solution may take, over all its jobs
    programs     tests with an input and an expected output: one job a test
    calls        tests that call a function: one job for all calls
    assertions   tests that are code: the program in one job, its tests in another
"""
