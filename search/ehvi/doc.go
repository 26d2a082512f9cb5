// Package ehvi computes the expected hypervolume improvement: by how much a
// candidate, whose objectives are predicted as independent distributions, is
// expected to enlarge the region that a front dominates. Less is better.
//
// With P(Y_j < u) the distribution of objective j, the expectation is the
// integral of their product over all u that are better than the reference and
// not dominated. Over a box it falls apart into one factor for each objective,
// ψ(high) - ψ(low) with ψ(a) = ∫ P(Y < u) du from -∞ to a. So a partition of
// the region into boxes makes it exact (Emmerich et al. 2011; Yang et al. 2019),
// and it holds for any monotone scale on which a prediction is Gaussian.
package ehvi
