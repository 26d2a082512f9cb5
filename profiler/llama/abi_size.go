//go:build amd64 || arm64

package llama

import "unsafe"

// The sizes of the C structs on 64-bit platforms: a mismatch does not compile.
var (
	_ [80]byte  = [unsafe.Sizeof(modelParams{})]byte{}
	_ [160]byte = [unsafe.Sizeof(contextParams{})]byte{}
	_ [64]byte  = [unsafe.Sizeof(quantizeParams{})]byte{}
	_ [56]byte  = [unsafe.Sizeof(batchStruct{})]byte{}
	_ [528]byte = [unsafe.Sizeof(poolParams{})]byte{}
)
