#include "textflag.h"

// func zeroUpper()
TEXT ·zeroUpper(SB), NOSPLIT, $0
	VZEROUPPER
	RET

// func cpuHasAVX() bool
TEXT ·cpuHasAVX(SB), NOSPLIT, $0-1
	MOVL  $1, AX
	XORL  CX, CX
	CPUID
	ANDL  $(1<<27 | 1<<28), CX // OSXSAVE and AVX
	CMPL  CX, $(1<<27 | 1<<28)
	SETEQ ret+0(FP)
	RET

// func cpuTellsInUse() bool
TEXT ·cpuTellsInUse(SB), NOSPLIT, $0-1
	MOVL  $13, AX // XSAVE features
	MOVL  $1, CX
	CPUID
	ANDL  $(1<<2), AX // XGETBV with ECX = 1
	SETNE ret+0(FP)
	RET

// func inUse() uint32
TEXT ·inUse(SB), NOSPLIT, $0-4
	MOVL $1, CX
	XGETBV
	MOVL AX, ret+0(FP)
	RET

// func fillUpper()
TEXT ·fillUpper(SB), NOSPLIT, $0
	VCMPPS $15, Y0, Y0, Y0 // always true
	RET

// func cpuHasF16C() bool
TEXT ·cpuHasF16C(SB), NOSPLIT, $0-1
	MOVL  $1, AX
	XORL  CX, CX
	CPUID
	ANDL  $(1<<27 | 1<<28 | 1<<29), CX // OSXSAVE, AVX and F16C
	CMPL  CX, $(1<<27 | 1<<28 | 1<<29)
	SETEQ ret+0(FP)
	RET

// func eightHalves(dst *float32, src *byte, eights int64)
TEXT ·eightHalves(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ eights+16(FP), CX
loop:
	TESTQ CX, CX
	JZ    done
	VCVTPH2PS (SI), Y0
	VMOVUPS Y0, (DI)
	ADDQ  $16, SI
	ADDQ  $32, DI
	DECQ  CX
	JMP   loop
done:
	VZEROUPPER
	RET
