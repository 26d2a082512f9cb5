package llama

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/fettle-edge/fettle/study"
)

// Tokens are timed in a loop that stays outside Go. A call from Go into a
// library hands the thread's processor over after some microseconds; with a
// call for each token Go's scheduler wakes four other threads a token to look
// for work, and these share caches and cores with what is measured (a token of
// a small model took 4 to 8 % longer).

// decodeEachAddress is the entry of the C function in loop_*.s.
var decodeEachAddress uintptr

// loop is the argument of decodeEach.
type loop struct {
	decode, synchronize, clock uintptr
	context                    uintptr
	views                      *View
	n                          int64
	stamps                     *int64 // n+1 of them
	rc                         int32  // of the last llama_decode
}

var (
	_ [56]byte = [unsafe.Offsetof(loop{}.rc)]byte{}
	_ [56]byte = [unsafe.Sizeof(View{})]byte{}
)

// View is a part of a Batch that is decoded at once. It is good until the Batch
// is changed.
type View batchStruct

// View returns the tokens lo to hi-1 of a batch.
func (b *Batch) View(lo, hi int) View {
	return View{nTokens: int32(hi - lo), token: &b.token[lo], pos: &b.pos[lo], nSeqID: &b.nSeqID[lo], seqID: &b.seqID[lo], logits: &b.output[lo]}
}

// DecodeEach decodes views, of at most MaxBatch tokens each, one after the
// other, and waits for each. It returns the readings of the monotonic clock, in
// nanoseconds, at the start and after every view.
func (c *Context) DecodeEach(views []View) ([]int64, error) {
	if len(views) == 0 {
		return nil, nil
	}
	stamps := make([]int64, len(views)+1)
	a := c.lib.fn.addresses
	c.loop = loop{decode: a.decode, synchronize: a.synchronize, clock: a.clock,
		context: c.handle, views: &views[0], n: int64(len(views)), stamps: &stamps[0]}
	purego.SyscallN(decodeEachAddress, uintptr(unsafe.Pointer(&c.loop)))
	cleanUpper()
	runtime.KeepAlive(views)
	if c.loop.rc != 0 {
		return nil, c.lib.failed(study.ReasonAssertion, fmt.Sprintf("llama_decode answers %d", c.loop.rc))
	}
	return stamps, nil
}
