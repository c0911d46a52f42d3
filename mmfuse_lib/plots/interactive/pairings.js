/* BROJA for two binary sources and a binary label: p[x1][x2][y], written into pages that solve it. */

// What all q in D_p share: the pairwise tables, and how large q(1,1,y) can be.
function share(p) {
  const one = BITS.map((x) => BITS.map((y) => p[x][0][y] + p[x][1][y]));
  const two = BITS.map((x) => BITS.map((y) => p[0][x][y] + p[1][x][y]));
  const py = BITS.map((y) => one[0][y] + one[1][y]);
  const hy = entropy(py);
  const about = (m) => hy - sum(m, (row) => entropy(row) - bits(row[0] + row[1]));
  const low = BITS.map((y) => Math.max(0, one[1][y] + two[1][y] - py[y]));
  const width = BITS.map((y) => Math.max(0, Math.min(one[1][y], two[1][y]) - low[y]));
  return { one, two, py, hy, i1: about(one), i2: about(two), low, width };
}

// The member of D_p at t = [t0, t1] in its rectangle, and where q lies in it.
function pairing(d, t) {
  const q = BITS.map(() => BITS.map(() => [0, 0]));
  for (const y of BITS) {
    const both = d.low[y] + t[y] * d.width[y];
    q[1][1][y] = both;
    q[1][0][y] = Math.max(0, d.one[1][y] - both);
    q[0][1][y] = Math.max(0, d.two[1][y] - both);
    q[0][0][y] = Math.max(0, d.py[y] - d.one[1][y] - d.two[1][y] + both);
  }
  return q;
}
const position = (d, q) => BITS.map((y) => (d.width[y] > 1e-12 ? (q[1][1][y] - d.low[y]) / d.width[y] : 0.5));

// I_q(X1,X2;Y), for any q in D_p and for the one at t.
const joint = (d, q) => d.hy - sum(q.flat(), (pair) => entropy(pair) - bits(pair[0] + pair[1]));
const cost = (d, t) => joint(d, pairing(d, t));

// Where I_q is least. It is convex, so its slope along t[y] grows; its sign is that of
// q(y|0,0) q(y|1,1) - q(y|0,1) q(y|1,0). The minimum over t[1] for each t[0] is convex again.
function solve(d) {
  const uphill = (t, y) => {
    const q = pairing(d, t), all = (i, j) => q[i][j][0] + q[i][j][1];
    return q[0][0][y] * q[1][1][y] * all(0, 1) * all(1, 0) > q[0][1][y] * q[1][0][y] * all(0, 0) * all(1, 1);
  };
  const halve = (y, pointAt) => {
    if (d.width[y] <= 0) return 0.5;
    let a = 0, b = 1;
    for (let k = 0; k < 60; k++) {
      const c = (a + b) / 2;
      if (uphill(pointAt(c), y)) b = c; else a = c;
    }
    return (a + b) / 2;
  };
  const inner = (t0) => [t0, halve(1, (t1) => [t0, t1])];
  return inner(halve(0, inner));
}

// A certificate: factors a(x1,y) b(x2,y) that sum to at most 1 over y for every pair prove that no q
// in D_p holds less than this. They are q(y|x1,x2) on the three likeliest pairs of the best q (on two,
// if it has no more), and are then scaled: the bound holds however good or bad that q is.
function lowerBound(d, q) {
  const total = (i, j) => q[i][j][0] + q[i][j][1], log = (i, j, y) => Math.log2(q[i][j][y] / total(i, j));
  const pairs = [[0, 0], [0, 1], [1, 0], [1, 1]].sort((u, v) => total(...u) - total(...v));
  const l = BITS.map(() => [-Infinity, -Infinity]), m = BITS.map(() => [-Infinity, -Infinity]);
  for (const y of BITS) {
    const first = BITS.filter((x) => d.one[x][y] > 0), second = BITS.filter((x) => d.two[x][y] > 0);
    if (first.length === 1) {
      l[first[0]][y] = 0;
      for (const j of second) m[j][y] = log(first[0], j, y);
    } else if (second.length === 1) {
      m[second[0]][y] = 0;
      for (const i of first) l[i][y] = log(i, second[0], y);
    } else if (first.length === 2 && total(...pairs[1]) < 1e-9) { // only 00 and 11, or 01 and 10
      const j = pairs[3][0] === 0 ? pairs[3][1] : 1 - pairs[3][1];
      const here = log(0, j, y), there = log(1, 1 - j, y);
      l[0][y] = 0; m[j][y] = here; m[1 - j][y] = (here + there) / 2; l[1][y] = (there - here) / 2;
    } else if (first.length === 2) {
      const [i, j] = pairs[0]; // the rarest follows from the others
      l[1 - i][y] = 0; m[1 - j][y] = log(1 - i, 1 - j, y); m[j][y] = log(1 - i, j, y);
      l[i][y] = log(i, 1 - j, y) - m[1 - j][y];
    }
  }
  const worst = Math.max(...pairs.map(([i, j]) => sum(BITS, (y) => 2 ** (l[i][y] + m[j][y]))));
  const mean = (p, factor) => sum(BITS, (x) => sum(BITS, (y) => (p[x][y] > 0 ? p[x][y] * factor[x][y] : 0)));
  return d.hy + mean(d.one, l) + mean(d.two, m) - Math.log2(worst);
}
