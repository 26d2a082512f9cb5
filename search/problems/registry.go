package problems

// costNoise is the noise of the noisy problems.
const costNoise = 0.05

// registry are the problems that samplers are compared on. They are made when
// asked for: some of their fronts take a moment.
var registry = []struct {
	name string
	make func() Problem
}{
	{"zdt1", func() Problem { return ZDT1(12, 0) }},
	{"zdt2", func() Problem { return ZDT2(12) }},
	{"zdt3", func() Problem { return ZDT3(12) }},
	{"dtlz2-2", func() Problem { return DTLZ2(2) }},
	{"dtlz2-3", func() Problem { return DTLZ2(3) }},
	{"dtlz2-4", func() Problem { return DTLZ2(4) }},
	{"dtlz7-2", func() Problem { return DTLZ7(2, 12) }},
	{"c2dtlz2", C2DTLZ2},
	{"osy", OSY},
	{"branin", Branin},
	{"hartmann6", Hartmann6},
	{"rosenbrock4", func() Problem { return Rosenbrock(4) }},
	{"layers24-2", func() Problem { return Layers(2) }},
	{"layers24-3", func() Problem { return Layers(3) }},
	{"conditional", Conditional},
	{"zdt1-noisy", func() Problem { return ZDT1(12, 0).Noisy(costNoise, costNoise) }},
	{"dtlz2-2-noisy", func() Problem { return DTLZ2(2).Noisy(costNoise, costNoise) }},
	{"layers24-2-noisy", func() Problem { return Layers(2).Noisy(0, costNoise) }},
	{"layers24-3-noisy", func() Problem { return Layers(3).Noisy(0, costNoise, costNoise) }},
	{"demo", func() Problem { return Demo(false) }},
	{"demo-predictions", func() Problem { return Demo(true) }},
}

// Names returns the names of the problems that samplers are compared on.
func Names() []string {
	names := make([]string, len(registry))
	for i, r := range registry {
		names[i] = r.name
	}
	return names
}

// Lookup makes one of the problems that samplers are compared on.
func Lookup(name string) (Problem, bool) {
	for _, r := range registry {
		if r.name == name {
			return r.make(), true
		}
	}
	return Problem{}, false
}
