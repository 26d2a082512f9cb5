package llama

func zeroUpper()
func cpuHasAVX() bool

// cpuTellsInUse reports whether inUse may be called.
func cpuTellsInUse() bool

// inUse returns the state components that this thread has in use (XGETBV with
// ECX = 1): bit 2 is the upper halves of YMM registers, bit 6 those of ZMM.
func inUse() uint32

// fillUpper puts the upper half of a YMM register in use, as a kernel of ggml
// may; for tests. It needs AVX.
func fillUpper()

var hasAVX = cpuHasAVX()

// cleanUpper clears the upper halves of the vector registers. Some kernels of
// ggml return with them in use, and until they are cleared, SSE instructions
// such as those of math.Exp are slower by a factor of up to 400. The state is
// one of the thread: the goroutine must hold it with runtime.LockOSThread.
func cleanUpper() {
	if hasAVX {
		zeroUpper()
	}
}

func cpuHasF16C() bool

// eightHalves converts 8*eights float16 values. It needs F16C.
func eightHalves(dst *float32, src *byte, eights int64)

var hasF16C = cpuHasF16C()

// halves converts float16 values as far as the CPU has instructions for it, and
// returns how many. ggml_fp16_to_fp32_row looks each up in a table, which takes
// as long as quantising to Q4_0 does.
func halves(dst []float32, src []byte) int {
	n := len(dst) / 8
	if !hasF16C || n == 0 {
		return 0
	}
	_ = src[16*n-1]
	eightHalves(&dst[0], &src[0], int64(n))
	return 8 * n
}
