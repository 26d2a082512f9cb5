//go:build !amd64

package llama

func tellsInUse() bool { return false }
func upperInUse() bool { return false }
func soil()            {}
