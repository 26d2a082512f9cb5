//go:build !amd64

package llama

func cleanUpper() {}

// halves converts nothing: ggml's own conversion is fast here.
func halves([]float32, []byte) int { return 0 }
