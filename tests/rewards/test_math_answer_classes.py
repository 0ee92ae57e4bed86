"""Answers at the borders of each class, the right spelling beside the wrong one: gold, "==" or "!=", answer."""

# The signs themselves are meant.

from __future__ import annotations

import pytest

from reward_kit.rewards.math import answers_equal

CASES = r"""
7 == 7\text{ (seven)}
\begin{pmatrix}1\\2\end{pmatrix} == \begin{pmatrix}1\\[2pt]2\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} != \begin{pmatrix}1\\[2pt]3\end{pmatrix}
€270.48 == 270.48 €
270.48 == 270.48\text{ €}
£270.48 != 270.48 €
0.\overline{27} == 0.272727\ldots
x^3-6x^2+11x-6 == x^3-6x^2+11x-6 = (x-1)(x-2)(x-3)
(-\infty,-1)\cup(3,\infty) == \mathbb{R}\setminus[-1,3]
\begin{pmatrix}1&2\\3&4\end{pmatrix} == A^{-1}=\begin{pmatrix}1&2\\3&4\end{pmatrix}
\begin{pmatrix}1\\-2\end{pmatrix} == (1,-2)^T
\text{June 21} == \text{June }21
72\text{ km/h} == 20\text{ m/s}
25 != 25\text{ per thousand}
C == \text{Option C}
A,C == AC
A,C != A
41 == 41\ (\text{integers})
41 == \#S = 41
\frac{5\pi}{6} != \frac{5\pi}{6}^\circ
\lceil n/3\rceil != \lfloor n/3\rfloor+1
(-\infty,2] == \mathbb{R}\setminus(2,\infty)
\begin{bmatrix}2&0\\0&-3\end{bmatrix} == \left[\begin{matrix}2&0\\0&-3\end{matrix}\right]
\$5.75 == 5 \text{ dollars and } 75 \text{ cents}
\text{Friday} == \text{on Friday}
\text{December 25} == \text{December 25th}
90\text{ km/h} == 25\text{ m/s}
90\text{ km/h} == 90\ \frac{\text{km}}{\text{h}}
90\text{ km/h} == 1.5\text{ km/min}
3\text{ m}^3 == 3000\text{ liters}
2.\overline{142857} == 2.142857142857...
D == \text{Choice D}
\text{No} == \text{No, it is not possible}
\text{Yes} == \text{Yes, it is possible}
p\land q == q\land p
6 != 6\text{ 亿}
6 != 6\text{ млн}
6 != 6\text{千}
6 != 6\times
6 != 6\text{ times }6
6 != 6\text{ fifth}
6 != 6\text{ fifths}
6 != 6\text{ (seven)}
6 != 6 (7)
6 != 6\ (\text{or seven})
6 != \text{Not the answer}=6
6 != \text{Wrong answer}=6
6 != \#S\ne 6
6 != \text{The answer is not } 6
6 != \text{The answer is } 7
6 != 6\text{ dollars and }50\text{ cents}
6 != 6\text{ per hundred}
6 != 6\text{ (hundred)}
6 != 6\text{ (squared)}
6 == 6 \text{ (six)}
6 == 6\ (\text{cm})
6 == \#A=6
6 == 6\text{ seventh graders}
25\text{ m/s} != 25\text{ km/h}
25\text{ m/s} != 25\text{ m}
25\text{ m/s} != 25\text{ s}
25\text{ m/s} != 25\text{ m/min}
25\text{ m/s} != 25\text{ m s}
25\text{ m/s} != 25\text{ s/m}
25\text{ m/s} != 90\text{ m/s}
25\text{ m/s} == 90\text{ km/h}
25\text{ m/s} == 25\text{ m/s}
25\text{ m/s} == 25\text{ meters per second}
25\text{ m/s} == 25 m/s
25\text{ m/s} == 1500\text{ m/min}
25\text{ m/s} == 25\ \frac{\text{m}}{\text{s}}
5\text{ m}^3 != 5\text{ liters}
5\text{ m}^3 != 500\text{ liters}
5\text{ m}^3 != 5\text{ m}^2
2\text{ liters} == 2000\text{ cm}^3
2\text{ liters} == 2000\text{ ml}
2\text{ liters} == 0.002\text{ m}^3
2\text{ liters} != 2\text{ m}^3
2\text{ liters} != 2000\text{ cm}^2
2\text{ liters} != 2\text{ cm}^3
\lceil x\rceil != \lfloor x\rfloor+1
\lceil x\rceil != \lfloor x\rfloor
\lfloor x+\frac12\rfloor != \lceil x-\frac12\rceil
\lfloor n/2\rfloor+\lceil n/2\rceil == n
\lfloor\frac{n+1}{2}\rfloor == \lceil n/2\rceil
\lfloor\frac{n+1}{2}\rfloor == \frac{2n+1-(-1)^n}{4}
\lfloor\frac{n+1}{2}\rfloor != \lfloor n/2\rfloor
\lfloor\frac{n+1}{2}\rfloor != \frac{2n+1+(-1)^n}{4}
\lfloor\frac{n}{7}\rfloor != \lfloor\frac{n-1}{7}\rfloor
\lfloor\frac{n}{7}\rfloor != \lceil\frac{n}{7}\rceil-1
\lfloor\frac{n}{7}\rfloor != \lfloor\frac{n+1}{7}\rfloor
\lfloor\frac{n}{7}\rfloor == \lceil\frac{n-6}{7}\rceil
\frac{2\pi}{3} != \frac{2\pi}{3}^\circ
\frac{2\pi}{3} != \frac{2\pi}{3}\text{ degrees}
x^2-1 != x^2-1=(x-1)(x-1)
x^2-1 != x^2-1=0
x^2-1 != x^2=1
x^2-1 != x^2-1 = x^2-2
x^2-1 == (x-1)(x+1)=x^2-1
\text{March 5} != \text{March 15}
\text{March 5} != \text{May 3}
\text{March 5} != \text{5 May}
\text{March 5} != \text{March 6th}
\text{March 5} == \text{March 5th}
\text{March 5} == \text{5 March}
\text{March 5} == \text{5th of March}
\text{March 5} == \text{the 5th of March}
A,C != CD
A,C != ABC
A,C != CA B
ACD == A, C, D
ACD == ACD
ACD == \text{A, C, and D}
ACD != A,C
ACD != A,B,C,D
ACD != ABD
\mathbb{R}\setminus[0,1] != (-\infty,0]\cup[1,\infty)
\mathbb{R}\setminus[0,1] != [0,1]
\mathbb{R}\setminus[0,1] != (0,1)
\mathbb{R}\setminus(0,1) == (-\infty,0]\cup[1,\infty)
(1,-2)^T != (-2,1)^T
(1,-2)^T != (1,2)^T
3^T != 3
0.1666... != 0.1\overline{66}7
0.1666... != 0.16
0.1666... != 0.\overline{16}
0.123123... == \frac{41}{333}
0.123123... != 0.123
0.123123... != 0.123123
\text{Yes} != \text{Yes, but no}
\text{Yes} != \text{Yes, or maybe not}
p\land q\lor r != r\land q\lor p
p\land q\lor r != p\lor q\land r
p\to q != q\to p
\$3 != 3\text{ cents}
\$3 != \$0.3
\$3 != 3\text{ million dollars}
\$3 != 300\text{ dollars}
30000 == 3\text{万}
30000 == 3万
30000 == 30千
6000000 == 6\text{ млн}
6000000 == 6 millones
""".strip().splitlines()


def _split(case: str) -> tuple[str, str, bool]:
    """Gold, answer and verdict; an answer may hold "=" but no sign with blanks that comes before the first."""
    sign = min((s for s in (" == ", " != ") if s in case), key=case.index)
    gold, _, answer = case.partition(sign)
    return gold, answer, sign == " == "


@pytest.mark.parametrize("case", CASES)
def test_answer_of_each_class(case: str) -> None:
    gold, answer, equal = _split(case)

    assert answers_equal(gold, answer) is equal
