package pareto

import "container/heap"

// Subset returns the indices of k of the points (all, if there are fewer) that
// together dominate much hypervolume below the reference: those that add most,
// one after the other. That reaches at least 1-1/e of the best subset's
// (Nemhauser et al. 1978; Guerreiro, Fonseca and Paquete 2016). Of equal gains
// the first point wins; points that add nothing come last.
//
// A point's gain only falls as others are chosen, so that most gains need not
// be worked out again (Minoux 1978).
func Subset(points [][]float64, k int, reference []float64) []int {
	var chosen []int
	var set [][]float64
	queue := make(gains, len(points))
	for i, p := range points {
		queue[i] = gain{index: i, volume: Hypervolume([][]float64{p}, reference)}
	}
	heap.Init(&queue)
	for len(chosen) < k && len(queue) > 0 {
		g := &queue[0]
		if p := points[g.index]; g.seen < len(set) && g.volume > 0 {
			var others [][]float64
			for _, q := range set {
				others = insert(others, clipped(q, p))
			}
			g.seen = len(set)
			g.volume = max(0, min(g.volume, Hypervolume([][]float64{p}, reference)-Hypervolume(others, reference)))
			heap.Fix(&queue, 0)
			continue
		}
		g0 := heap.Pop(&queue).(gain)
		chosen = append(chosen, g0.index)
		if g0.volume > 0 {
			set = append(set, points[g0.index])
		}
	}
	return chosen
}

// gain is what a point added when so many others had been chosen.
type gain struct {
	index, seen int
	volume      float64
}

// gains is a heap, the largest on top.
type gains []gain

func (g gains) Len() int { return len(g) }
func (g gains) Less(i, j int) bool {
	if g[i].volume != g[j].volume {
		return g[i].volume > g[j].volume
	}
	return g[i].index < g[j].index
}
func (g gains) Swap(i, j int) { g[i], g[j] = g[j], g[i] }
func (g *gains) Push(x any)   { *g = append(*g, x.(gain)) }
func (g *gains) Pop() any {
	last := (*g)[len(*g)-1]
	*g = (*g)[:len(*g)-1]
	return last
}
