"""Equality case by case, over every kind of answer: each line is a gold, "==" or "!=", and an answer."""

# The signs themselves are meant.

from __future__ import annotations

import pytest

from reward_kit.rewards.math import answers_equal

CASES = r"""
\frac{7}{3} == 2\frac{1}{3}
\frac{7}{3} == 2 1/3
\frac{7}{3} == 7/3
\frac{7}{3} != 2.33
\frac{7}{3} == 2.\overline{3}
\frac{7}{3} == 2.(3)
\frac{7}{3} == 2.\dot{3}
\frac{7}{3} == \frac{-7}{-3}
\frac{7}{3} == -\frac{-7}{3}
\frac{7}{3} == 2+\frac13
\frac{7}{3} != \frac{3}{7}
0.125 == \frac18
0.125 == 12.5\%
0.125 == 1.25\times 10^{-1}
0.125 != 0.13
1500 == 1,500
1500 == 1.5\times10^3
1500 == 1.5e3
1500 == 1\,500
1500 == 1 500
1500 == \$1,500
1500 == 1500.00
1500 != 15,00
1500 != 1.500
1500 == one thousand five hundred
12 == twelve
12 == \text{twelve}
-5 == −5
-5 == -5.0
-5 == (-5)
-5 != 5
-5 == {-5}
-5 == - 5
2\sqrt{5} == \sqrt{20}
2\sqrt{5} == 2\cdot5^{1/2}
2\sqrt{5} == 2*sqrt(5)
2\sqrt{5} == 2sqrt5
2\sqrt{5} == 2√5
2\sqrt{5} == \frac{10}{\sqrt5}
2\sqrt{5} != 4.472
2\sqrt{5} != 2\sqrt{6}
2\sqrt{5} == \sqrt{5}\cdot 2
\sqrt{7}-2 == -2+\sqrt7
\sqrt{7}-2 == \frac{3}{\sqrt{7}+2}
\sqrt[3]{16} == 2\sqrt[3]{2}
\sqrt[3]{16} == 16^{1/3}
\sqrt[3]{16} == 2^{4/3}
\sqrt[3]{16} != \sqrt{16}
\pi/6 == \frac{\pi}{6}
\pi/6 == \frac{1}{6}\pi
\pi/6 == 30^\circ
\pi/6 != 30
\pi/6 != 0.5236
12\pi == 12 \pi \text{ cm}^2
12\pi == 12pi
12\pi == 12\text{π}
e^{-2} == \frac{1}{e^2}
e^{-2} == \exp(-2)
\ln 8 == 3\ln 2
\ln 8 == \log_e 8
\ln 8 != \ln 7
\log_3 7 == \frac{\ln 7}{\ln 3}
\log_3 7 != \frac{\ln 3}{\ln 7}
x^2-4 == (x-2)(x+2)
x^2-4 != (x-2)^2
x^2-4 == -4+x^2
\frac{1}{x+1} == (x+1)^{-1}
\frac{1}{x+1} != \frac{1}{x}+1
x(x+1) == x^2+x
\frac{a+b}{2} == \frac{a}{2}+\frac{b}{2}
\frac{a+b}{2} == 0.5(a+b)
\frac{a+b}{2} == (a+b)/2
\frac{a+b}{2} != a+b/2
2^{n+1}-1 == 2\cdot2^n-1
2^{n+1}-1 != 2^n-1
n! == n(n-1)!
(-1)^{n+1} == -(-1)^n
(-1)^{n+1} == (-1)^{n-1}
(-1)^{n+1} != (-1)^n
\binom{n}{2} == \frac{n(n-1)}{2}
\binom{n}{2} == {n \choose 2}
\cos 2x == 2\cos^2 x-1
\cos 2x == \cos^2x-\sin^2x
\cos 2x != 2\cos x
\tan x == \frac{\sin x}{\cos x}
\sec^2 x == 1+\tan^2 x
\arctan 2 == \tan^{-1} 2
\arctan 2 == \tan^{-1}(2)
3-2i == -2i+3
3-2i == 3-2\mathrm{i}
3-2i != 3+2i
3-2i != -3+2i
\frac{1+i}{2} == 0.5+0.5i
\frac{1+i}{2} == \frac{1}{1-i}
(3,-2) == (3, -2)
(3,-2) == \left(3,-2\right)
(3,-2) != (-2,3)
(3,-2) != [3,-2]
(3,-2) == x=3, y=-2
(3,-2) == (x,y)=(3,-2)
(3,-2) == x = 3 \text{ and } y = -2
(3,-2) != 3,-2,1
(3,-2) == \left(\frac{6}{2},-2\right)
(3,-2) == \langle 3,-2\rangle
(3,-2) == \begin{pmatrix}3\\-2\end{pmatrix}
(1,2,3) == \begin{bmatrix}1\\2\\3\end{bmatrix}
[2,5] == 2\le x\le 5
[2,5] == [2, 5]
[2,5] == x \in [2,5]
[2,5] == \{x: 2\le x\le5\}
[2,5] == \{x \mid 2 \leq x \leq 5\}
[2,5] == \{x\in\mathbb{R} : 2 \leq x \leq 5\}
[2,5] != (2,5)
[2,5] != [2,5)
[2,5] != 2<x<5
[2,5] == 5\ge x\ge 2
(-\infty,3) == x<3
(-\infty,3) == 3>x
(-\infty,3) == ]-\infty,3[
(-\infty,3) == (-∞,3)
(-\infty,3) != (-\infty,3]
(-\infty,3) == (-infinity, 3)
(-\infty,-2)\cup(2,\infty) == |x|>2
(-\infty,-2)\cup(2,\infty) == x<-2 \text{ or } x>2
(-\infty,-2)\cup(2,\infty) == (2,\infty)\cup(-\infty,-2)
(-\infty,-2)\cup(2,\infty) == x>2 or x<-2
(-\infty,-2)\cup(2,\infty) != [-2,2]
\mathbb{R} == (-\infty,\infty)
\mathbb{R} == \text{all real numbers}
\mathbb{R}\setminus\{1\} == (-\infty,1)\cup(1,\infty)
\mathbb{R}\setminus\{1\} == x\ne 1
\mathbb{R}\setminus\{1\} == x \in \mathbb{R}, x \neq 1
\{1,2\} == 1,2
\{1,2\} == \{2,1\}
\{1,2\} == 1 \text{ and } 2
\{1,2\} == x=1 \text{ or } x=2
\{1,2\} == x=1, x=2
\{1,2\} == x = 1, 2
\{1,2\} == x_1=1, x_2=2
\{1,2\} == x \in \{1,2\}
\{1,2\} != \{1,2,3\}
\{1,2\} != (1,2)
\{1,2\} != \{1\}
\{1,2\} == \{1, 2, 2\}
\{1,2\} == 2;1
\emptyset == \text{no solution}
\emptyset == \varnothing
\emptyset == \{\}
\emptyset != 0
\emptyset == No solution
\begin{pmatrix}1&0\\0&1\end{pmatrix} == \begin{bmatrix}1&0\\0&1\end{bmatrix}
\begin{pmatrix}1&0\\0&1\end{pmatrix} != \begin{pmatrix}0&1\\1&0\end{pmatrix}
\begin{pmatrix}1/2\\3\end{pmatrix} == \frac12\begin{pmatrix}1\\6\end{pmatrix}
\begin{pmatrix}1/2\\3\end{pmatrix} != \begin{pmatrix}1/2&3\end{pmatrix}
y=3x-2 == 3x-y=2
y=3x-2 == 3x-2
y=3x-2 == y-3x+2=0
y=3x-2 == -2+3x=y
y=3x-2 != y=3x+2
y=3x-2 != y=-3x-2
y=3x-2 != x=3y-2
x^2+y^2=9 == x^2+y^2-9=0
x^2+y^2=9 == 2x^2+2y^2=18
x^2+y^2=9 != x^2+y^2=3
\frac{x^2}{4}+\frac{y^2}{3}=1 == 3x^2+4y^2=12
f(x)=x^2+1 == x^2+1
f(x)=x^2+1 == f(t)=t^2+1
f(x)=x^2+1 == y=x^2+1
f(x)=x^2+1 != f(x)=x^2
a=2,b=3 == a = 2 and b = 3
a=2,b=3 == b=3, a=2
a=2,b=3 == (a,b)=(2,3)
a=2,b=3 == (2,3)
a=2,b=3 != a=3,b=2
a=2,b=3 != (3,2)
x>3 == 3<x
x>3 == (3,\infty)
x>3 == x\in(3,+\infty)
x>3 != x\ge3
x>3 != x>4
x>3 == 2x>6
2x+3y\le6 == 6\ge2x+3y
2x+3y\le6 == 4x+6y\le12
2x+3y\le6 != 2x+3y<6
5\text{ m} == 5 m
5\text{ m} == 5m
5\text{ m} == 500\text{ cm}
5\text{ m} == 5 \text{ meters}
5\text{ m} != 5 cm
5\text{ m} == 5
5\text{ m} != 6\text{ m}
5\text{ m} != 5\text{ m}^2
5\text{ m}^2 == 5 square meters
5\text{ m}^2 == 5\text{ sq m}
30\text{ minutes} == 0.5\text{ hours}
30\text{ minutes} == \frac12 hour
30\text{ minutes} == 30 min
30\text{ minutes} != 30\text{ hours}
\$5.50 == 5.5 dollars
\$5.50 == 550 cents
\$5.50 == 5.50
\$5.50 != €5.50
45^\circ == 45
45^\circ == \frac{\pi}{4}
45^\circ == 45 degrees
45^\circ == 45^{\circ}
45^\circ != 45\text{ rad}
20\% == 20
20\% == 0.2
20\% == \frac15
20\% == 20 percent
20\% != 2\%
20\% != 0.02
3:00 p.m. == 3 PM
3:00 p.m. == 3:00
3:00 p.m. != 3 AM
3:45 == 3:45 PM
3:45 != 3.45
2:3 == 4:6
2:3 == \frac23
2:3 == 2 : 3
2:3 != 3:2
101_2 == 101_{2}
101_2 == 101_{\text{two}}
101_2 == (101)_2
101_2 == 101 \text{ (base 2)}
101_2 != 101_3
101_2 != 5
101_2 == 101
\text{A} == A
\text{A} == (A)
\text{A} == A)
\text{A} == A.
\text{A} == \textbf{(A)}
\text{A} == \text{(A) } 12
\text{A} == a
\text{A} != B
\text{A} != A or B
\text{A} != A, C
\text{blue} == blue
\text{blue} == Blue.
\text{blue} == \textbf{blue}
\text{blue} == "blue"
\text{blue} != red
\text{blue} != not blue
\text{Alice and Bob} == Bob and Alice
\text{Alice and Bob} == \text{Alice, Bob}
\text{Alice and Bob} != Alice
\text{Monday} == monday
\text{Monday} != Tuesday
\infty == +\infty
\infty == infinity
\infty != -\infty
1\pm\sqrt3 == 1+\sqrt3, 1-\sqrt3
1\pm\sqrt3 == x=1\pm\sqrt3
1\pm\sqrt3 == \{1-\sqrt{3},1+\sqrt{3}\}
1\pm\sqrt3 == 1+\sqrt3 \text{ and } 1-\sqrt3
1\pm\sqrt3 != 1+\sqrt3
\pm 4 == 4, -4
\pm 4 == -4,4
\pm 4 != 4
(\pm1,2) == (1,2),(-1,2)
x\equiv 3\pmod 7 == x\equiv 10 \pmod{7}
x\equiv 3\pmod 7 != x\equiv 3\pmod 5
x = \frac{\pi}{2}+k\pi, k\in\mathbb{Z} == \frac{\pi}{2}+n\pi
k\pi == n\pi
2^{31}-1 == 2147483647
2^{31}-1 != 2147483646
100! == 100\cdot 99!
100! != 99!
\lfloor 7/2 \rfloor == 3
|{-3}| == 3
\max(2,5) == 5
\gcd(12,18) == 6
\frac{\pi^2}{6} == \frac{1}{6}\pi^2
\frac{1}{2}\ln 3 == \ln\sqrt3
\cos\frac{\pi}{7}\cos\frac{2\pi}{7}\cos\frac{3\pi}{7} == \frac18
\sqrt{2+\sqrt3} == \frac{\sqrt6+\sqrt2}{2}
10^{-3} == 0.001
10^{-3} == 1/1000
x^{-1} == \frac{1}{x}
\sqrt{x^3} == x^{3/2}
\sqrt{x^3} == x\sqrt{x}
|x-1| == |1-x|
|x-1| != x-1
a^2b == ba^2
a^2b != ab^2
6xy == 6yx
\frac{x}{y} != \frac{y}{x}
v_0t+\frac12at^2 == \frac12 at^2+v_0 t
42 == 42 \text{ square units}
42 == 42~\mathrm{km/h}
42 == \mathbf{42}
42 == 42\,
42 == \text{42}
42 == 42 \quad
42 == n = 42
42 == 6\times 7=42
42 == 6\cdot7
42 != 6\times 7=43
42 != 42 or 43
42 != 42?
42 != \approx 42
42 != 4 2
42 != 42,43
42 == |S| = 42
42 == m+n=42
42 == \boxed{42}
42 == P(3)=42
42 == AB = 42
42 == \angle ABC = 42^\circ
42 == S_{\triangle ABC}=42
42 == \text{Area} = 42
42 == \text{Area}=42\text{ cm}^2
42 == $42$
42 == \(42\)
42 == 42.
42 == 0042
42 != 042.5
(2,3),(3,2) == (3,2),(2,3)
(2,3),(3,2) == (3,2) \text{ and } (2,3)
(2,3),(3,2) == \{(2,3),(3,2)\}
(2,3),(3,2) != (2,3)
(x-1)^2+(y+2)^2=4 == x^2-2x+y^2+4y+1=0
(x-1)^2+(y+2)^2=4 != (x+1)^2+(y-2)^2=4
[1,2]\cup[3,4] == [3,4]\cup[1,2]
[1,2]\cup[3,4] == 1\le x\le2 \text{ or } 3\le x\le 4
[0,1]\cup[1,2] == [0,2]
\{0\}\cup[1,2] == [1,2]\cup\{0\}
0.5 == .5
0.5 == 1/2
0.5 != 0.50001
3.0 == 3
1{,}234 == 1234
1{,}5 == 1.5
0.1+0.2 == 0.3
6! == 720
\tfrac{3}{4} == 0.75
\frac{\frac{1}{2}}{3} == \frac16
\dfrac{2\pi}{3} == 120^\circ
\operatorname{lcm}(4,6) == 12
\sum_{i=1}^{4} i == 10
\prod_{k=1}^{4} k == 24
\cos(60^\circ) == 0.5
x^2+C == x^2+c
x^2+C == C+x^2
x^2+C != x^2
e^x+C == e^{x}+C
-\frac{1}{2} == \frac{-1}{2}
-\frac{1}{2} == \frac{1}{-2}
-\frac{1}{2} == -.5
y = 2 == 2
t=5\text{ s} == 5 seconds
\text{6 hours} == 6
(0,0), (1,1) == (1,1), (0,0)
p=2, q=5; p=5, q=2 == (p,q)=(2,5),(5,2)
n=4k+1 == 4k+1
a_n=2n-1 == 2n-1
a_n=2n-1 == 2n - 1
\sin\theta == \sin(\theta)
4\sqrt{3}\text{ cm} == 4\sqrt3
\text{Yes} != \text{No}
\text{(iii)} == (iii)
\text{None} == none
3x^2 == 3x²
x_1 + x_2 == x_2 + x_1
\overrightarrow{AB} == \overrightarrow{AB}
\frac{3}{4}a + \frac14 b == \frac{3a+b}{4}
10 \text{ and } 15 == 15, 10
\left\{\frac{1}{2},3\right\} == 3, 0.5
-2<x\le 3 == (-2,3]
x<1 \text{ or } x\ge 4 == (-\infty,1)\cup[4,\infty)
1<x<2 != (1,2]
1.2 \times 10^{5} == 120000
1.2 \times 10^{5} == 120,000
\frac{22}{7} != \pi
0.333 != \frac13
99.9\% != 100\%
1 != 0.999
1 == 0.\overline{9}
\frac{x^2-1}{x-1} == x+1
x != y
x^2 != x
2x != x^2
\sin x != \cos x
""".strip().splitlines()


def split(case: str) -> tuple[str, str, bool]:
    """Gold, answer, and whether they are equal."""
    equal = " == " in case
    gold, answer = case.split(" == " if equal else " != ", 1)
    return gold, answer, equal


@pytest.mark.parametrize("case", CASES)
def test_equality(case: str):
    gold, answer, equal = split(case)
    assert answers_equal(gold, answer) is equal


@pytest.mark.parametrize("gold", sorted({split(case)[0] for case in CASES}))
def test_every_gold_equals_itself(gold: str):
    assert answers_equal(gold, gold)
