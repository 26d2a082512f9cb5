#include "textflag.h"

// The C function void decodeEach(struct loop *l), by the System V ABI. The
// offsets are those of the Go type loop. Its stack: a copy of the batch, which
// llama_decode takes by value (0 to 55), and a timespec (56 to 71).
TEXT decodeEach<>(SB), NOSPLIT|NOFRAME, $0
	PUSHQ BP
	MOVQ  SP, BP
	PUSHQ BX
	PUSHQ R12
	PUSHQ R13
	PUSHQ R14
	SUBQ  $80, SP // keeps the stack at a multiple of 16 for the calls
	MOVQ  DI, BX
	XORQ  R12, R12 // views decoded
	MOVQ  32(BX), R13 // the next view
	MOVQ  48(BX), R14 // the next stamp
stamp:
	MOVQ  $1, DI // CLOCK_MONOTONIC
	LEAQ  56(SP), SI
	MOVQ  16(BX), AX
	CALL  AX
	MOVQ  56(SP), AX
	IMULQ $1000000000, AX
	ADDQ  64(SP), AX
	MOVQ  AX, (R14)
	ADDQ  $8, R14
	CMPQ  R12, 40(BX)
	JGE   done
	MOVQ  0(R13), AX
	MOVQ  AX, 0(SP)
	MOVQ  8(R13), AX
	MOVQ  AX, 8(SP)
	MOVQ  16(R13), AX
	MOVQ  AX, 16(SP)
	MOVQ  24(R13), AX
	MOVQ  AX, 24(SP)
	MOVQ  32(R13), AX
	MOVQ  AX, 32(SP)
	MOVQ  40(R13), AX
	MOVQ  AX, 40(SP)
	MOVQ  48(R13), AX
	MOVQ  AX, 48(SP)
	MOVQ  24(BX), DI
	MOVQ  0(BX), AX
	CALL  AX // llama_decode(context, view)
	MOVL  AX, 56(BX)
	TESTL AX, AX
	JNE   done
	MOVQ  24(BX), DI
	MOVQ  8(BX), AX
	CALL  AX // llama_synchronize(context)
	ADDQ  $56, R13
	INCQ  R12
	JMP   stamp
done:
	ADDQ  $80, SP
	POPQ  R14
	POPQ  R13
	POPQ  R12
	POPQ  BX
	POPQ  BP
	RET

DATA ·decodeEachAddress(SB)/8, $decodeEach<>(SB)
GLOBL ·decodeEachAddress(SB), RODATA|NOPTR, $8
