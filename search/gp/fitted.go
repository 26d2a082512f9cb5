package gp

// Fitted returns the posterior mean of the latent function at each datum, in
// units of Y: the data without what the model takes for noise.
func (p *Process) Fitted() []float64 {
	h := &p.kernel.h
	out := make([]float64, len(p.y))
	for i, y := range p.y {
		// The mean is K(K+N)⁻¹y = y - N(K+N)⁻¹y, with N the noise.
		out[i] = h.Center + h.Scale*(y-p.noise[i]*p.alpha[i])
	}
	return out
}
