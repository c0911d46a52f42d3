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

// The minimum over q(1,1,1) for each q(1,1,0) is convex again: one search inside another.
function solve(d) {
  const inner = (t0) => (d.width[1] > 0 ? golden((t1) => cost(d, [t0, t1])) : 0.5);
  const t0 = d.width[0] > 0 ? golden((t) => cost(d, [t, inner(t)])) : 0.5;
  return [t0, inner(t0)];
}
